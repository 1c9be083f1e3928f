#pragma once

#include "process/child.hpp"
#include "system/finding.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// What pg_checksums told with these lines; nothing when every page is right.
std::vector<Finding> judge_page_checksums(const process::Outcome& outcome, const std::vector<std::string>& lines);

/// Reads every page of a data directory whose server is shut down, with `pg_checksums --check`. Pages without data
/// checksums cannot be judged, which is a warning.
std::vector<Finding> check_page_checksums(const std::filesystem::path& bin_directory,
                                          const std::filesystem::path& data_directory);

}  // namespace patroni_pgbackrest
