#pragma once

#include "pgbackrest/command_line.hpp"

#include <string>

namespace patroni_pgbackrest {

/// One call of restore_command: `wanted` is %f, `destination` %p, the working directory is the data directory. Returns
/// the exit code for PostgreSQL. Without a ticket it is an ordinary restore_command with `pgbackrest`: errors are
/// passed on to a standby, which tries again by itself, and abort any other recovery.
int archive_get(const pgbackrest::Pgbackrest& pgbackrest, const std::string& wanted, const std::string& destination);

}  // namespace patroni_pgbackrest
