#pragma once

#include "pgbackrest/command_line.hpp"
#include "pgbackrest/info.hpp"
#include "pgbackrest/retry.hpp"

#include <string>
#include <vector>

namespace patroni_pgbackrest::pgbackrest {

/// Reads a WAL segment from the repository and discards it: a listing shows names, not whether they can be read. Throws
/// as failure_of(), and Failure(target_not_reachable) if none of the archives has it.
void fetch_segment(const Pgbackrest& pgbackrest, const std::vector<Archive>& archives, const std::string& segment,
                   const RetryPolicy& retry = {});

}  // namespace patroni_pgbackrest::pgbackrest
