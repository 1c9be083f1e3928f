#pragma once

#include "commands/in_force.hpp"
#include "pgbackrest/archive_growth.hpp"
#include "staging/staging.hpp"
#include "system/file.hpp"

#include <optional>

namespace patroni_pgbackrest::commands {

/// Writes the staging directory to disk, and meanwhile asks whether the cluster lives: the DCS for a leader, for an
/// initialised key and for another node that bootstraps (decide_hand_over), the archive for WAL that came since
/// `archive_end` (empty: not asked, what is handed over was so before). Throws Failure(unsafe) when it does,
/// Failure(repository_unreachable) when that cannot be known and has to be. False if the DCS holds another
/// configuration than the request was judged by: `in_force` has it, and nothing is settled.
bool sync_unless_cluster_lives(InForce& in_force, const Request& request, const pgbackrest::ArchiveEnd& archive_end,
                               StagingDirectory& staging, const system::OnSynced& on_progress);

}  // namespace patroni_pgbackrest::commands
