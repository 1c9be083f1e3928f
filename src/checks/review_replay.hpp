#pragma once

#include "request/request.hpp"
#include "system/finding.hpp"

#include <filesystem>
#include <vector>

namespace patroni_pgbackrest {

/// Whether the PostgreSQL that will replay knows the parameters of replay-setting, and takes their values.
std::vector<Finding> review_replay_settings(const Request& request, const std::filesystem::path& bin_directory);

}  // namespace patroni_pgbackrest
