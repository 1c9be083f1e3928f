#include "support/catch.hpp"
#include "support/reviewed_node.hpp"

#include <array>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

TEST_CASE("timeouts that Patroni 3.2 and later do not take are said with those that they take") {
    const ReviewedNode node;
    const auto said = [&](const std::string& lines) {
        const auto findings =
            review({node.files.write("patroni.yml", with(clean, "  dcs:\n", "  dcs:\n" + lines)), {}}, node.intent);
        return findings.empty() ? std::string() : findings.front().problem.message;
    };
    const std::string least = ", less than loop_wait + 2 * retry_timeout, which is ";
    CHECK(said("    ttl: 20\n") == "ttl is 20" + least +
                                       "30: Patroni 3.2 and later take ttl 20, loop_wait 1 and "
                                       "retry_timeout 9 instead");
    CHECK(said("    ttl: 30\n    loop_wait: 11\n") ==
          "ttl is 30" + least + "31: Patroni 3.2 and later take ttl 30, loop_wait 10 and retry_timeout 10 instead");
    CHECK(said("    ttl: 15\n    loop_wait: 10\n    retry_timeout: 5\n") ==
          "ttl is 15" + least + "20: Patroni 3.2 and later take ttl 20, loop_wait 10 and retry_timeout 5 instead");
    CHECK(said("    ttl: 30\n").empty());
}

TEST_CASE("an address whose end Patroni takes for the port is found, and the hint mends it") {
    const ReviewedNode node;
    const auto findings = [&](const std::string& listen) {
        return review({node.files.write("patroni.yml", clean + "  listen: '" + listen + "'\n"), {}}, node.intent);
    };
    for (const auto* listen : {"localhost", "*", "127.0.0.1:5432", "[::1]:5432", "::1:5432", "a,[::1]:5432", "*:5432",
                               "127.0.0.1,::1:5432", "fe80::1:2:3:4:5432"}) {
        CAPTURE(listen);
        CHECK(findings(listen).empty());
    }
    for (const auto& [listen, port, right] :
         std::vector<std::array<std::string, 3>>{{"::1", "1", "[::1]:5432"},
                                                 {"127.0.0.1, ::1", "1", "[::1]:5432"},
                                                 {"[::1]", "1]", "[::1]:5432"},
                                                 {"1:2:3:4:5:6:7:8", "8", "[1:2:3:4:5:6:7:8]:5432"},
                                                 {"localhost:", "", "localhost:5432"}}) {
        CAPTURE(listen);
        REQUIRE(findings(listen).size() == 1);
        CHECK(findings(listen).front().id == "listen-misread");
        const auto problem = findings(listen).front().problem;
        CHECK(problem.message == "postgresql.listen is '" + listen + "': Patroni takes '" + port + "' for the port");
        CHECK(problem.hint == "put the port behind the last address: '" + right + "'");
        CHECK(findings(right).empty());
    }
}
