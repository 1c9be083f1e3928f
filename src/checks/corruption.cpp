#include "checks/corruption.hpp"

#include "system/text.hpp"

#include <fmt/format.h>

namespace patroni_pgbackrest {

namespace {

constexpr int corruption_found = 2;
constexpr std::size_t most_lines = 20;

std::vector<Finding> not_done(const std::string& why, const std::string& hint) {
    return {{"verify-amcheck-not-done", {why, hint}}};
}

}  // namespace

std::vector<Finding> look_for_corruption(const postgres::Client& client, const std::string& check_of_repository) {
    if (!client.find("pg_amcheck")) {
        return not_done("pg_amcheck was not found in postgresql.bin_dir or PATH",
                        "install it, and ask again (PostgreSQL 13 has none): corruption was not looked for");
    }
    std::vector<std::string> output, skipped;
    const auto keep = [&](std::string_view line) {
        const bool template1 = line.find("\"template1\"") != std::string_view::npos;
        if (line.find("skipping database") != std::string_view::npos && !template1) {
            skipped.emplace_back(line);
        }
        if (output.size() < most_lines) {
            output.emplace_back(line);
        }
    };
    auto command = client.command("pg_amcheck", {"--all", "--no-password"});
    command.environment["LC_ALL"] = "C";
    const auto outcome = process::run(command, keep, keep);
    process::require_resources(command.program, outcome);
    const auto words = system::join(output, "; ");
    if (process::succeeded(outcome) && skipped.empty()) {
        return {};
    }
    const auto* exited = std::get_if<process::Exited>(&outcome);
    if (exited != nullptr && exited->code == corruption_found) {
        return {{"verify-corruption",
                 {"pg_amcheck found corruption: " + words,
                  fmt::format("do not use this data: restore again, from an older backup set (set) if it comes back, "
                              "and look at the repository: {}",
                              check_of_repository)}}};
    }
    return not_done(fmt::format("pg_amcheck {}: {}", process::describe(outcome),
                                skipped.empty() ? words : system::join(skipped, "; ")),
                    "CREATE EXTENSION amcheck in the databases that are to be looked at, and ask again: corruption was "
                    "not looked for there");
}

}  // namespace patroni_pgbackrest
