#pragma once

#include "staging/layout.hpp"

namespace patroni_pgbackrest {

/// The bootstrap failed by itself before it copied anything, and Patroni takes the key away: removes what
/// record_bootstrap_call left, which in a mount point would keep pg_basebackup from making a replica. A plan that the
/// memory of failures knows stays.
void discard_plan(const Layout& layout);

/// The cluster lives: removes what an earlier run left beside the data directory, except the source's
/// patroni.dynamic.json.
void discard_journal(const Layout& layout);

/// Removes the staging directory and everything that belongs to the run, unless another run has finished it meanwhile.
void discard_unfinished_restore(const Layout& layout);

}  // namespace patroni_pgbackrest
