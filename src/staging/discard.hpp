#pragma once

#include "staging/journal.hpp"
#include "staging/layout.hpp"
#include "system/failure.hpp"

#include <optional>
#include <vector>

namespace patroni_pgbackrest {

/// The bootstrap failed by itself before it copied anything, and Patroni takes the key away: removes what
/// record_bootstrap_call left, which in a mount point would keep pg_basebackup from making a replica. A plan that the
/// memory of failures knows stays.
void discard_plan(const Layout& layout);

/// The cluster lives: removes what an earlier run left beside the data directory, except the source's
/// patroni.dynamic.json.
void discard_journal(const Layout& layout);

/// What an abandoned restore put into its places (`journal`'s and those that its WAL made), in which pg_basebackup
/// cannot make a replica then, each with the command that removes it and nothing else. Nothing is removed here: that no
/// server has a place does not show that nobody filled it since.
std::vector<Problem> filled_places(const Layout& layout, const Journal& journal);

/// What a person moved into the data directory itself, where that is a mount point (`.given-up`, `.failed.d`: the hints
/// of `resume` name them), and what discard_journal() left there, with the command that removes it. Patroni passes over
/// such names, and pg_basebackup does not. Nothing is removed here: it may hold somebody's rows.
std::optional<Problem> kept_inside(const Layout& layout);

/// Removes the staging directory and everything beside it that belongs to the run, and warns of filled_places(), unless
/// another run has finished it meanwhile.
void discard_unfinished_restore(const Layout& layout);

}  // namespace patroni_pgbackrest
