#pragma once

#include "plan/plan.hpp"

namespace patroni_pgbackrest {

/// Whether the archive, as it is now, leads to the target. Throws Failure(target_not_reachable) for a gap in the WAL
/// that the backup needs to become consistent, for a gap before the target where that is known (latest, an LSN), and
/// for an LSN behind the archive's end. The hint names a point that can be reached. Any other gap may lie behind the
/// target: it stays in plan.wal.missing, and the replay aborts should it need one of these segments.
void require_reachable(const RecoveryTarget& target, const Plan& plan);

}  // namespace patroni_pgbackrest
