#include "patroni/local_server.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

namespace {

/// A server that listens on this socket directory and address.
postgres::PostmasterFile server(const std::string& socket, const std::string& address) {
    postgres::PostmasterFile file;
    file.pid = 1;
    file.port = "5433";
    file.socket_directory = socket;
    file.listen_address = address;
    return file;
}

SuperuserAccess superuser() {
    return {"admin", {{"password", "secret"}, {"sslmode", "require"}}, "app"};
}

/// `text: name=value …` of each.
Strings ways(const std::string& socket, const std::string& address, const SuperuserAccess& access,
             bool pguser_is_set = false) {
    Strings shown;
    for (const auto& way : ways_to_server(server(socket, address), "/pg/data", access, pguser_is_set)) {
        auto line = way.text + ":";
        for (const auto& keyword : way.connection.keywords) {
            line += " " + keyword.name + "=" + keyword.value;
        }
        CHECK(way.connection.with_environment);
        CHECK(way.text.find("secret") == std::string::npos);
        shown.push_back(line);
    }
    return shown;
}

const std::string admin = " user=admin password=secret sslmode=require";

}  // namespace

TEST_CASE("a server is asked as patroni.yml's superuser first, through its socket and as Patroni does") {
    CHECK(ways("/run/pg", "*", superuser()) ==
          Strings{"as admin through /run/pg: host=/run/pg port=5433 dbname=app" + admin,
                  "as admin through localhost: host=localhost port=5433 dbname=app" + admin,
                  "through /run/pg: host=/run/pg port=5433 dbname=app"});
    CHECK(ways("/run/pg", "", superuser()).size() == 2);
    CHECK(ways("", "10.0.0.7", superuser()) ==
          Strings{"as admin through 10.0.0.7: host=10.0.0.7 port=5433 dbname=app" + admin});
    CHECK(ways("", "", superuser()).empty());
}

TEST_CASE("who sets PGUSER is asked for first, and is all there is where patroni.yml names no superuser") {
    const std::string plain = "through /run/pg: host=/run/pg port=5433 dbname=app";
    const auto chosen = ways("/run/pg", "*", superuser(), true);
    REQUIRE(chosen.size() == 3);
    CHECK(chosen.front() == plain);
    CHECK(ways("/run/pg", "*", {std::nullopt, {}, "app"}) == Strings{plain});
    CHECK(ways("", "::", superuser(), true).front() == "through localhost: host=localhost port=5433 dbname=app");
    CHECK(ways("", "::", {std::nullopt, {}, "app"}) ==
          Strings{"through localhost: host=localhost port=5433 dbname=app"});
}

TEST_CASE("a relative socket directory is one in the data directory, an abstract name is left alone") {
    CHECK(ways("../run", "", {}) == Strings{"through /pg/run: host=/pg/run port=5433 dbname=postgres"});
    CHECK(ways("@pg", "", {}) == Strings{"through @pg: host=@pg port=5433 dbname=postgres"});
}
