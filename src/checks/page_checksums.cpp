#include "checks/page_checksums.hpp"

#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>

namespace patroni_pgbackrest {

namespace {

constexpr std::size_t most_lines_of_pages = 20;

bool one_has(const std::vector<std::string>& lines, std::string_view words) {
    return std::any_of(lines.begin(), lines.end(),
                       [&](const std::string& line) { return line.find(words) != std::string::npos; });
}

}  // namespace

std::vector<Finding> judge_page_checksums(const process::Outcome& outcome, const std::vector<std::string>& lines) {
    if (process::succeeded(outcome)) {
        return {};
    }
    const auto words = system::join(lines, "; ");
    if (one_has(lines, "data checksums are not enabled")) {
        return {
            {"rehearse-no-checksums",
             {"the cluster has no data checksums: its pages cannot be checked",
              "turn them on with pg_checksums --enable, in the next maintenance, or use amcheck and dump instead"}}};
    }
    if (one_has(lines, "checksum verification failed")) {
        return {
            {"rehearse-page",
             {"pg_checksums found damaged pages: " + words,
              "see whether the living cluster has them too (pg_checksums --check, pg_amcheck); if so, restore these "
              "tables from an older backup set, and make a full backup then"}}};
    }
    return {{"rehearse-page",
             {fmt::format("pg_checksums {}: {}", process::describe(outcome), words), "see why, then rehearse again"}}};
}

std::vector<Finding> check_page_checksums(const std::filesystem::path& bin_directory,
                                          const std::filesystem::path& data_directory) {
    std::vector<std::string> lines;
    const auto keep = [&](std::string_view line) {
        if (lines.size() < most_lines_of_pages) {
            lines.emplace_back(line);
        }
    };
    process::Command command{(bin_directory / "pg_checksums").string(), {"--check", "-D", data_directory.string()}};
    command.environment = {{"LC_ALL", "C"}, {"PGDATA", ""}};
    command.writable.emplace();  // nowhere
    const auto outcome = process::run(command, keep, keep);
    process::require_resources(command.program, outcome);
    return judge_page_checksums(outcome, lines);
}

}  // namespace patroni_pgbackrest
