#pragma once

#include "plan/plan.hpp"
#include "request/request.hpp"
#include "staging/fate.hpp"
#include "staging/journal.hpp"
#include "staging/layout.hpp"
#include "system/failure.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// The directory that an earlier run with this very request handed over, when Patroni could not use it and set it aside
/// (`PGDATA.failed`; 2.0: `PGDATA_2026-11-22-10-00-00`), known by device and inode; also as `PGDATA.given-up`, or
/// `PGDATA/.given-up` in a mount point. Empty when there is none, and when it is not Fate::given_up.
std::optional<std::filesystem::path> set_aside_by_patroni(const Request& request, const Layout& layout);

/// Why no restore may begin beside what Patroni may have set aside: its fate is unknown. Passed over, a cluster that
/// led would lose its rows; followed, a rejected run's timeline would bring back what was never asked for.
std::optional<Failure> why_unclear(const std::optional<patroni::Configuration>& patroni, const Layout& layout);

/// What this node knows of restores that Patroni gave up, whatever their request was.
RejectedRuns rejected_runs(const Request& request, const Layout& layout);

/// Has the journal say so while the directory is there, in its place or set aside: see note_rejected_directory. Takes
/// it back of one in its place that was not given up (fate_of), whatever the journal says of it: it has led.
void note_rejected_runs(const std::optional<patroni::Configuration>& patroni, const Layout& layout);

/// After a refusal to hand over once more: who clears it gets as many hand-overs as before.
void begin_to_count_anew(const Layout& layout);

/// Whether that directory is still what the request would bring back: nothing has come into the archive since but
/// rejected timelines. Another node may have restored meanwhile and led for months.
bool is_still_the_newest(const Request& request, const Plan& plan, const Layout& layout);

/// What earlier tries left beside the data directory: staging, and what Patroni set aside.
std::vector<std::filesystem::path> leftovers_of(const Layout& layout);

}  // namespace patroni_pgbackrest
