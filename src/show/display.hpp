#pragma once

#include "patroni/members.hpp"
#include "plan/plan.hpp"
#include "replay/position.hpp"
#include "show/history.hpp"
#include "show/status.hpp"
#include "staging/reached.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace patroni_pgbackrest {

/// What a run shows of itself while it lasts: lines in the log, or a bar below it on a terminal, and the status file. A
/// timer of the event loop keeps them moving, also when nothing else does; pauses of pgBackRest's retries are told as
/// well. None of it ever fails a restore.
class RunDisplay {
  public:
    /// `draws`: a bar, if stderr is a terminal. Who shares that with others, as with Patroni, has lines.
    explicit RunDisplay(bool draws);
    /// Takes the bar away. The status file stays as it is.
    ~RunDisplay();
    RunDisplay(const RunDisplay&) = delete;
    RunDisplay& operator=(const RunDisplay&) = delete;

    void about(const ClusterNames& names);
    /// Who is a member of the cluster, and who leads.
    void about(const patroni::ScopeState& state);
    void about(const Request& request);
    void about(const Plan& plan);
    void about(const Reached& reached);
    /// From now on there is a status file, beside the staging directory, unless another run has one there.
    void keep_status(const Layout& layout);
    /// Whoever has the staging directory may have it.
    void leave_status();

    /// Begins a phase and ends the one before.
    void phase(const std::string& name);
    /// Of the phase that runs. What is done when this is called first was done by an earlier run, and counts for no
    /// rate.
    void counted(Unit unit, std::uint64_t done, std::uint64_t planned);
    void replayed_to(const ReplayPosition& position);
    /// So much is copied by the copy that runs, all of it; 0 where some was there, so that it tells no rate.
    void copies(std::uint64_t bytes);
    /// What this run took, for estimates of the next ones.
    MeasuredRun measured() const;

    /// Nothing happens for so long, because of a failure.
    void wait(const std::string& why, std::chrono::seconds pause);
    /// The run ends.
    void done();
    void failed(const Failure& failure);
    /// As it was told last.
    const RunStatus& status() const;

  private:
    struct State;  // shared with the timer
    std::shared_ptr<State> state_;
};

/// What a replay counts. A replay to a time ends at a commit, in a segment that nobody knows beforehand: it counts in
/// the commits' time, in whole seconds: one within a second of its first commit is at 0 % until it ends. Any other
/// counts the planned segments.
struct ReplayAmount {
    Unit unit = Unit::segments;
    std::uint64_t planned = 0, done = 0;
};
/// `first` is the commit time that the counting begins with, as a rule that of the first segment.
ReplayAmount replay_amount(std::size_t planned_segments, const RecoveryTarget& target, const ReplayPosition& position,
                           const std::optional<postgres::WalTime>& first);
/// `at 0/5A000000, commits up to 2026-11-22 10:00:00+00`
std::string position_text(const ReplayPosition& position);

}  // namespace patroni_pgbackrest
