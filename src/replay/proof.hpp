#pragma once

#include "plan/plan.hpp"
#include "postgres/control_data.hpp"
#include "postgres/private_server.hpp"
#include "replay/replay.hpp"
#include "replay/ticket.hpp"

#include <filesystem>
#include <optional>
#include <string_view>

namespace patroni_pgbackrest {

/// Proves from the new timeline's history file (parent, LSN and PostgreSQL's reason) and the server's log that the
/// target was reached. Throws Failure(verification_failed), or replay_failed when a damaged record ended the replay.
Reached prove_target(const Request& request, const Plan& plan, const postgres::RecoveryLog& log,
                     const postgres::ControlData& control, const std::filesystem::path& pg_wal);

/// For those who come when the plan is gone. `control` is that of the backup, or of what came of it.
RestoreGoal goal_of(const Request& request, const Plan& plan, const postgres::ControlData& control);

/// Why a timeline's fork is no proof that the target was reached: PostgreSQL's reason for it does not fit, or a restore
/// to the latest point ended before the end of the planned WAL, or behind its last segment where it was to end there.
/// Empty when it is one.
std::string why_not_proven(const RestoreGoal& goal, const postgres::TimelineFork& fork);

/// Why the private server ended: what the guard met, a target that the archive does not reach (with the nearest point),
/// a missing resource manager, a full disk, else how it ended and its last words.
Failure failure_of_replay(const Request& request, const Plan& plan, const postgres::RecoveryLog& log,
                          const std::optional<ReplayNotes>& notes, const process::Outcome& outcome,
                          const std::filesystem::path& data_directory);

/// Whether PostgreSQL ended, in these words of its, because a flush failed.
bool tells_of_a_flush(std::string_view words);

}  // namespace patroni_pgbackrest
