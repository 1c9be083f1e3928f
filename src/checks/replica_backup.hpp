#pragma once

#include "patroni/replica_methods.hpp"
#include "pgbackrest/info.hpp"
#include "postgres/server_facts.hpp"
#include "system/finding.hpp"

#include <optional>
#include <vector>

namespace patroni_pgbackrest {

/// What `pgbackrest restore` takes for a replica method: the set that it names, else the newest of the repository that
/// it names, else of the first repository with a backup. Empty when there is none, or the method restores to a target.
std::optional<pgbackrest::Backup> backup_for(const patroni::RestoringMethod& method, const pgbackrest::Stanza& stanza);

/// A replica that is made from a backup which ended on another branch than the server's: behind the place where the
/// server's history left that timeline, or on a timeline that is none of its ancestors. PostgreSQL replays such a
/// backup along its own branch or not at all (requested timeline is not a child, xlogrecovery.c 13 to 18), and Patroni
/// does not try the next method, as the restore itself has succeeded. A backup that ended before the fork is followed
/// over it.
std::vector<Finding> judge_replica_backup(const patroni::RestoringMethod& method, const pgbackrest::Stanza& stanza,
                                          const postgres::ServerFacts& facts);

/// The same for all methods, with `pgbackrest info` of each.
std::vector<Finding> look_at_replica_backups(const patroni::ConfigurationSource& source,
                                             const postgres::ServerFacts& facts);

}  // namespace patroni_pgbackrest
