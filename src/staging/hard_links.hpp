#pragma once

#include "system/failure.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace patroni_pgbackrest {

/// Tells of a file that has another name: `pgbackrest restore --delta` and PostgreSQL write into the files that are
/// there, and would change a snapshot by `cp -al` as well, or another table's file of the same content that was made
/// one with it. Looks at these files, and below these directories, as far as they are there; links are not followed,
/// and WAL counts for nothing. Empty when there is none. The hint has the command that makes such files the
/// directories' own. Throws Failure(system_refused), and stops when interrupted.
std::optional<Problem> find_hard_link(const std::vector<std::filesystem::path>& places);

}  // namespace patroni_pgbackrest
