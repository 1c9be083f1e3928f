#include "checks/review_replay.hpp"

#include "postgres/parameters.hpp"

#include <fmt/format.h>

namespace patroni_pgbackrest {

std::vector<Finding> review_replay_settings(const Request& request, const std::filesystem::path& bin_directory) {
    std::vector<Finding> findings;
    for (const auto& setting : request.replay_settings) {
        if (const auto objection = postgres::objection_to(bin_directory, setting)) {
            findings.push_back(
                {"replay-setting",
                 {fmt::format("the private server cannot have {} = '{}': {}", setting.name, setting.value, *objection),
                  "correct it, or leave it out of replay-setting"}});
        }
    }
    return findings;
}

}  // namespace patroni_pgbackrest
