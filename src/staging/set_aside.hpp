#pragma once

#include "plan/plan.hpp"
#include "request/request.hpp"
#include "staging/journal.hpp"
#include "staging/layout.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// Whether it is the name that Patroni gives `name` when it sets it aside: `name.failed`, or `name_` and the time.
/// Under any other name a person moved it away, and wants a new one.
bool is_patronis_name(const std::string& entry, const std::string& name);

/// Whether Patroni gave up what was handed over and is in this directory now: PostgreSQL never came up in it, or its
/// pg_hba.conf is that of a bootstrap (patroni::is_in_bootstrap). One that led, and that a person gave such a name, is
/// somebody's, and may hold the only copy of its rows; so may one that was in use for more than an hour after its
/// recovery.
bool was_given_up(const Journal& journal, const std::filesystem::path& directory,
                  const std::optional<patroni::Configuration>& patroni);

/// The directory that an earlier run with this very request handed over, when Patroni could not use it and set it aside
/// (`PGDATA.failed`; 2.0: `PGDATA_2026-11-22-10-00-00`), known by device and inode. Empty when there is
/// none, and when it is not one that was_given_up().
std::optional<std::filesystem::path> set_aside_by_patroni(const Request& request, const Layout& layout);

/// What this node knows of restores that Patroni gave up, whatever their request was.
RejectedRuns rejected_runs(const Request& request, const Layout& layout);

/// Has the journal say so while the directory is there, in its place or set aside: see note_rejected_directory. Takes
/// it back of one in its place that was not given up (was_given_up), whatever the journal says of it: it has led.
void note_rejected_runs(const std::optional<patroni::Configuration>& patroni, const Layout& layout);

/// After a refusal to hand over once more: who clears it gets as many hand-overs as before.
void begin_to_count_anew(const Layout& layout);

/// Whether that directory is still what the request would bring back: nothing has come into the archive since but
/// rejected timelines. Another node may have restored meanwhile and led for months.
bool is_still_the_newest(const Request& request, const Plan& plan, const Layout& layout);

/// What earlier tries left beside the data directory: staging, and what Patroni set aside.
std::vector<std::filesystem::path> leftovers_of(const Layout& layout);

}  // namespace patroni_pgbackrest
