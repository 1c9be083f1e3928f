#pragma once

#include "pgbackrest/archive.hpp"
#include "plan/archived_wal.hpp"
#include "plan/plan.hpp"

namespace patroni_pgbackrest {

/// The histories of the timelines on the way must tell the same as the followed one, in one of the repositories at
/// least: where it matters in which, require_one_past() refuses. Throws Failure(target_not_reachable) naming two that
/// contradict each other.
void require_agreement(const postgres::TimelineHistory& followed, const pgbackrest::ArchiveContent& archive);

/// Looks at each fork on the way in the WAL itself. PostgreSQL takes the fork's segment from the newest timeline that
/// has it (XLogFileReadAnyTLI); where that is the parent, it replays whatever lies there, also behind the fork. So the
/// segment must be the child's, or hold nothing behind the fork; and without any of the two nothing before the fork may
/// be lost. After a clean switchover there is none, and none is missing: the partial segment shows that nothing but the
/// old primary's last checkpoint was in it. Throws Failure(target_not_reachable), with a point before the fork.
void require_sound_forks(const RecoveryTarget& target, const Plan& plan, const pgbackrest::ArchiveContent& archive,
                         ArchivedWal& wal, const pgbackrest::Pgbackrest& pgbackrest);

}  // namespace patroni_pgbackrest
