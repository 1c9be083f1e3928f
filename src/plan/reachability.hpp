#pragma once

#include "pgbackrest/archive.hpp"
#include "plan/archived_wal.hpp"
#include "plan/plan.hpp"

#include <string>

namespace patroni_pgbackrest {

/// Whether the archive, as it is now, leads to the target. Throws Failure(target_not_reachable) for a gap in the WAL
/// that the backup needs to become consistent, for a gap before the target where that is known (latest, an LSN), and
/// for an LSN behind the archive's end, a time behind its last commit, and a transaction whose epoch is not the WAL's.
/// The hint names a point that can be reached. Any other gap may lie behind the target: it stays in plan.wal.missing,
/// and the replay aborts should it need one of these segments. Throws Failure(pgbackrest_failed), lasting, for a
/// segment that pgBackRest will not deliver because there are files of it with other content.
void require_reachable(const RecoveryTarget& target, const Plan& plan, const pgbackrest::ArchiveContent& archive,
                       ArchivedWal& wal);

/// Whether it is known that no record in the archive ends the replay at the target: a time behind the last commit or
/// abort on the way, an LSN behind the last record.
bool is_unreachable(const RecoveryTarget& target, const Plan& plan, ArchivedWal& wal);

/// The last point in that segment which can be asked for, in words for a hint: PostgreSQL ends at the first record that
/// begins at the target LSN or behind it. The end of the backup, when that lies behind it.
std::string point_in(const std::string& segment, const Plan& plan, ArchivedWal& wal);

/// For the hint about a target that is not reached: the timelines on which it may be instead, after a semicolon. Empty
/// when there are none.
std::string other_timelines_hint(const Plan& plan);

}  // namespace patroni_pgbackrest
