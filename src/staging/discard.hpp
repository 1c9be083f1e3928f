#pragma once

#include "staging/journal.hpp"
#include "staging/layout.hpp"
#include "system/failure.hpp"

#include <vector>

namespace patroni_pgbackrest {

/// The bootstrap failed by itself before it copied anything, and Patroni takes the key away: removes what
/// record_bootstrap_call left, which in a mount point would keep pg_basebackup from making a replica. A plan that the
/// memory of failures knows stays.
void discard_plan(const Layout& layout);

/// The cluster lives: removes what an earlier run left beside the data directory, except the source's
/// patroni.dynamic.json.
void discard_journal(const Layout& layout);

/// The cluster went on elsewhere, and pg_basebackup makes a replica in empty tablespaces only: takes out of the places
/// of an unfinished restore (`journal`'s and those that its WAL made) what it put there. Only where nothing else can
/// have put it there: the place is still the directory that it was when it was empty, no server here has it, and the
/// data directory is empty. Tells what stays, and the command that removes it.
std::vector<Problem> empty_places(const Layout& layout, const Journal& journal);

/// Removes the staging directory and everything that belongs to the run, what it put into its places among it
/// (empty_places), unless another run has finished it meanwhile.
void discard_unfinished_restore(const Layout& layout);

}  // namespace patroni_pgbackrest
