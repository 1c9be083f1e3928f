#pragma once

#include "plan/plan.hpp"
#include "plan/repository_state.hpp"
#include "replay/replay.hpp"
#include "show/run_view.hpp"
#include "staging/staging.hpp"

#include <filesystem>
#include <functional>

/// What a restore and its rehearsal have in common.
namespace patroni_pgbackrest::commands {

/// What the repository tells, for a plan; pgBackRest's version goes into the report. Throws what read_repository()
/// throws, and Failure(preflight_refused) for a pgBackRest that is missing or too old.
RepositoryState observe(const Request& request, const RejectedRuns& rejected, Report& report);

/// The version alone, as pgbackrest::version_in() has it, for who needs it before. Throws the same of pgBackRest.
int observe_version(const Request& request, Report& report);

/// Has a private server replay what was copied, as replay() does: shown while it lasts, and copied again where the
/// server has to begin at the backup once more.
Reached replay_copy(const Request& request, const Plan& plan, StagingDirectory& staging,
                    const std::filesystem::path& bin_directory, const FirstSession& session, Start start,
                    RunView& view);

}  // namespace patroni_pgbackrest::commands
