#pragma once

#include "pgbackrest/info.hpp"
#include "request/request.hpp"

#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// What a stanza holds of one PostgreSQL cluster: a system identifier and a version. A stanza gets a second cluster
/// when initdb, or pg_upgrade, makes one in the same place and somebody runs `pgbackrest stanza-upgrade`.
struct Cluster {
    std::string system_identifier;
    std::string version;  ///< `15`
    bool is_current;      ///< the stanza archives for it now: it has the greatest database id of its repositories
    std::vector<pgbackrest::Database> databases;  ///< its entries in the database history, of every repository
    std::vector<pgbackrest::Archive> archives;
    std::vector<pgbackrest::Backup> backups;  ///< oldest first

    /// `system identifier 7710953412442782829 (PostgreSQL 15, backup sets … to …, WAL to …)`
    std::string text() const;
};

/// All that the stanza knows, in the order in which it came to know them.
std::vector<Cluster> clusters_in(const pgbackrest::Stanza& stanza);

/// The cluster that the request means, and the others.
struct SettledCluster {
    Cluster cluster;
    std::vector<Cluster> others;
};

/// That of the backup set or the system identifier which the request names. Else the current one, when it cannot be
/// another: it has a backup, and so has no other cluster but of older major versions, from which the stanza was
/// upgraded. Throws Failure(usage) naming all of them when it may be another: pgBackRest itself, without a backup set,
/// takes the newest backup of whichever cluster (2.45), or refuses with [075] when the current one has none. The same
/// when the identifier alone names the cluster before an upgrade, without a backup set or a target: it was written down
/// then. Throws Failure(target_not_reachable) when the stanza does not have the one that is named.
SettledCluster settle_cluster(const Request& request, const pgbackrest::Stanza& stanza);

/// The stanza as if it held nothing else than this cluster.
pgbackrest::Stanza only(const Cluster& cluster, pgbackrest::Stanza stanza);

/// The database history entry that a backup was made from; ids are counted in each repository on its own. Throws
/// Failure(target_not_reachable) when pgbackrest info does not have it.
const pgbackrest::Database& database_of(const pgbackrest::Stanza& stanza, const pgbackrest::Backup& backup);

/// PostgreSQL's major version. Throws Failure(preflight_refused) for one before postgres::oldest_supported_major, and
/// for one behind newest_supported_major: its WAL may have another format.
int supported_major(const pgbackrest::Database& database);

}  // namespace patroni_pgbackrest
