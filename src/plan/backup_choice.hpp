#pragma once

#include "pgbackrest/info.hpp"
#include "plan/clusters.hpp"
#include "request/request.hpp"

#include <vector>

namespace patroni_pgbackrest {

/// The backup set that the request names, else the newest that ends before the target. Throws
/// Failure(target_not_reachable) naming those there are, and Failure(usage) when nobody can know which sets end before
/// the target: a transaction or a restore point, several sets, and none is named.
/// `stanza` holds one cluster; `others` are those that it held before (an upgrade), for the hint.
pgbackrest::Backup choose_backup(const Request& request, const pgbackrest::Stanza& stanza,
                                 const std::vector<Cluster>& others = {});

/// The backup sets that may lead to the target, oldest first, when none is named.
std::vector<pgbackrest::Backup> candidates_for(const Request& request, const pgbackrest::Stanza& stanza);

/// The first second, since the epoch, that can be asked for with this backup. PostgreSQL knows its end to the
/// microsecond, pgBackRest to the second: a time in that very second may lie before it (FATAL: requested recovery stop
/// point is before consistent recovery point).
std::int64_t reachable_from(const pgbackrest::Backup& backup);

}  // namespace patroni_pgbackrest
