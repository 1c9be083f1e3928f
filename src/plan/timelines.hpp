#pragma once

#include "pgbackrest/archive.hpp"
#include "pgbackrest/info.hpp"
#include "plan/other_repositories.hpp"
#include "plan/plan.hpp"
#include "postgres/wal.hpp"

#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// A timeline without its history cannot be followed: PostgreSQL refuses to (13 to 18: "recovery target timeline %u
/// does not exist"). Nor can it be passed by: PostgreSQL takes the first number without a history file for its own new
/// timeline (findNewestTimeLine), and the archive has files of that name already. Throws Failure(target_not_reachable)
/// when there is such a timeline at `followed` or above it, or when that first number lies below one that is known, if
/// only from a history: a later restore would take the greater one for the newer. `push`: pgbackrest::push_by_hand().
void require_histories(postgres::Timeline followed, const pgbackrest::ArchiveContent& archive,
                       const std::vector<pgbackrest::Backup>& backups, const std::string& push);

/// Two nodes that were promoted to one number, and archived into a repository each, leave a history in each. Throws
/// Failure(target_not_reachable) when the repositories' histories tell different forks of the followed timeline, of one
/// on the way to it, or of a newer one that would be followed by one of them.
void require_one_past(const Request& request, const Plan& plan, const pgbackrest::ArchiveContent& archive,
                      const std::vector<pgbackrest::Backup>& backups);

/// A number above the followed one that only a repository knows which `repo` leaves out would be taken a second time,
/// and archive-push, which writes into all of them, would put the new history over the old one (2.45). Throws
/// Failure(target_not_reachable) then, and logs which of them has WAL behind the end of the archive.
void require_no_newer_elsewhere(const postgres::TimelineHistory& followed, const pgbackrest::ArchiveContent& archive,
                                const std::vector<ArchiveElsewhere>& elsewhere,
                                const pgbackrest::Pgbackrest& pgbackrest);

}  // namespace patroni_pgbackrest
