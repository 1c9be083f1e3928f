#pragma once

#include "pgbackrest/archive.hpp"
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

/// Those of the candidates that start on a timeline which a restore began that Patroni gave up: they are passed over,
/// unless the request names a set or a timeline's number.
std::vector<pgbackrest::Backup> sets_on_rejected(const Request& request, std::vector<pgbackrest::Backup> candidates,
                                                 const pgbackrest::RejectedTimelines& rejected);

/// choose_backup() where this set, of such a timeline, was passed over, and `stanza` is what is left. Where that is
/// not enough, the failure names the set, and how to ask for it.
pgbackrest::Backup choose_instead_of(const pgbackrest::Backup& passed_over, const Request& request,
                                     const pgbackrest::Stanza& stanza, const std::vector<Cluster>& others = {});

/// The first second, since the epoch, that can be asked for with this backup. PostgreSQL knows its end to the
/// microsecond, pgBackRest to the second: a time in that very second may lie before it (FATAL: requested recovery stop
/// point is before consistent recovery point).
std::int64_t reachable_from(const pgbackrest::Backup& backup);

}  // namespace patroni_pgbackrest
