#pragma once

#include "commands/rehearsal_settings.hpp"
#include "show/rehearsal.hpp"
#include "show/run_view.hpp"
#include "system/failure.hpp"
#include "system/finding.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest::commands {

/// The failure without what its hints say of the next run of a restore, which goes on where this one stopped: what a
/// rehearsal has made is removed at its end, and the next one begins anew.
Failure of_a_rehearsal(const Failure& failure);

/// What is told of a rehearsal, while it lasts and at its end.
class Drill {
  public:
    explicit Drill(const RehearsalSettings& settings);

    /// Begins a phase and ends the one before.
    void phase(const std::string& name);
    /// Tells warnings. Throws Failure(verification_failed) with the errors.
    void judge(const std::vector<Finding>& findings);
    /// Tells, as warnings, what a restore of this node itself would end with before its copy.
    void judge_node(const BootstrapArguments& given);
    void warn(const Problem& problem);
    /// Tells, as warnings, what a restore of this node itself would end with.
    void warn_of_node(const Failure& failure);
    /// From now on a file beside the history tells of it at each phase, for who finds that it was killed.
    void keep_note(const std::filesystem::path& file);
    /// Once it is in the history itself.
    void remove_note();
    /// The end of all of it; no failure: it succeeded.
    void end(const std::optional<Failure>& failure);

    RunView view;
    Rehearsal told;

  private:
    void end_phase();
    void write_note() const;

    std::filesystem::path note_;
    std::chrono::steady_clock::time_point began_, phase_began_;
};

}  // namespace patroni_pgbackrest::commands
