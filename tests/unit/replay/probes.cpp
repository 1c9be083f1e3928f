#include "replay/probes.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

using namespace patroni_pgbackrest;

namespace {

const std::string true_answer = R"(echo '{"answer" : "t", "error" : ""}'; )";

/// What is wrong with the answers to two probes, where psql is this script.
std::vector<std::string> errors_with(const std::string& script) {
    const Files files;
    std::filesystem::permissions(files.write("psql", "#!/bin/sh\n" + script + "\n"), std::filesystem::perms::owner_all);
    postgres::Connection connection;
    connection.with_environment = false;
    const postgres::Client client(files.path(), connection);
    const std::vector<postgres::Probe> probes{{"", "select 1 = 1", ""}, {"", "select true", ""}};
    std::vector<std::string> errors;
    for (const auto& answer : ask_probes(client, probes, std::chrono::seconds(10), std::chrono::seconds(10))) {
        errors.push_back(answer.error);
    }
    return errors;
}

}  // namespace

TEST_CASE("a probe is answered when psql has brought its answer back to the end") {
    using Errors = std::vector<std::string>;
    const std::string killed = "psql was killed by signal 9: ";
    CHECK(errors_with(true_answer + true_answer) == Errors{"", ""});
    CHECK(errors_with(true_answer + "kill -9 $$") == Errors{"", killed});
    CHECK(errors_with(true_answer + true_answer + "kill -9 $$") == Errors{"", killed});
    CHECK(errors_with(true_answer + true_answer + "echo lost >&2; exit 2") ==
          Errors{"", "psql exited with code 2: lost"});
    CHECK(errors_with("kill -9 $$") == Errors{killed, killed});
    CHECK(errors_with("echo t; echo garbage") == Errors(2, "its answer cannot be read"));
}
