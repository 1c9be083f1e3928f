#pragma once

#include "system/failure.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace patroni_pgbackrest {

/// Tells of a file below these directories that has another name outside of them, as in a snapshot by `cp -al`:
/// `pgbackrest restore --delta` and PostgreSQL write into the files that are there, and would change that as well.
/// Empty when there is none. Links are not followed. The hint has the command that makes such files the directories'
/// own. Throws Failure(system_refused), and stops when interrupted.
std::optional<Problem> find_hard_link(const std::vector<std::filesystem::path>& directories);

}  // namespace patroni_pgbackrest
