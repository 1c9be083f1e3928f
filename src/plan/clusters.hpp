#pragma once

#include "pgbackrest/info.hpp"

#include <vector>

namespace patroni_pgbackrest {

/// The database history entry that a backup was made from; ids are counted in each repository on its own. Throws
/// Failure(target_not_reachable) when pgbackrest info does not have it.
const pgbackrest::Database& database_of(const pgbackrest::Stanza& stanza, const pgbackrest::Backup& backup);

/// The archives of one cluster, in every repository: those of the same system identifier and PostgreSQL version.
std::vector<pgbackrest::Archive> archives_of(const pgbackrest::Stanza& stanza, const pgbackrest::Database& database);

/// PostgreSQL's major version. Throws Failure(preflight_refused) for one before postgres::oldest_supported_major.
int supported_major(const pgbackrest::Database& database);

}  // namespace patroni_pgbackrest
