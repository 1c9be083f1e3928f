#pragma once

#include "support/catch.hpp"
#include "support/files.hpp"
#include "system/text.hpp"

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// What tests/unit/patroni/as_patroni.py says of each of `asked`, an object with path and environment.
inline std::vector<nlohmann::json> answers_of_patroni(const Files& files, const std::vector<nlohmann::json>& asked) {
    std::string list;
    for (const auto& each : asked) {
        list += each.dump() + "\n";
    }
    const auto script =
        std::filesystem::path(__FILE__).parent_path().parent_path() / "unit" / "patroni" / "as_patroni.py";
    const auto command = "/usr/bin/python3 -B '" + script.string() + "' <'" + files.write("list", list).string() +
                         "' >'" + files.path("answers").string() + "'";
    REQUIRE(std::system(command.c_str()) == 0);  // NOLINT(cert-env33-c): a test's own command
    std::vector<nlohmann::json> answers;
    for (const auto& line : system::lines(files.read("answers"))) {
        answers.push_back(nlohmann::json::parse(line));
    }
    REQUIRE(answers.size() == asked.size());
    return answers;
}

}  // namespace patroni_pgbackrest
