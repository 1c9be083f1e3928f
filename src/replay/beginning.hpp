#pragma once

#include "plan/plan.hpp"
#include "postgres/control_data.hpp"
#include "request/request.hpp"
#include "staging/journal.hpp"
#include "staging/staging.hpp"
#include "system/log.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <variant>

namespace patroni_pgbackrest {

/// Where a recovery begins in what an earlier run left in the staging directory.
enum class Start {
    copy,    ///< from the repository, with --delta
    replay,  ///< recovery.signal is put back, and the recovery goes on
    finish,  ///< it is promoted already: start without signal file, make today's roles, then stop
};

/// The decision of pg_control and the journal. `same_boot` is false after a reboot or an unmount: with fsync off the
/// pages that were not written then are lost without a trace. PostgreSQL takes backup_label away after it has first
/// written pg_control (StartupXLOG in xlog.c, 13 to 18): with it, and the backup's pg_control, nothing was replayed.
Start decide_start(Phase phase, const postgres::ControlData& control, postgres::Timeline planned, bool same_boot,
                   bool has_backup_label);

/// What was handed over, set aside by Patroni and taken back into the staging directory.
struct TakenBack {
    bool is_newest = false;  ///< is_still_the_newest()
    bool came_up = false;    ///< PostgreSQL was started in it, so it may hold what was written since
};

/// Everything on this node that decides where a restore begins.
struct Seen {
    std::optional<TakenBack> taken_back;
    std::optional<Journal> earlier;  ///< of a run with this very request that left something unfinished
    bool is_cluster = false;         ///< PG_VERSION is in the staging directory
    bool has_signal_file = false;    ///< of a recovery or a standby
    bool has_backup_label = false;
    std::optional<postgres::ControlData> control;
    std::string why_unreadable;   ///< why there is no `control`
    bool places_changed = false;  ///< see are_as_linked()
    bool same_boot = false;       ///< see Journal::is_of_this_boot
    bool is_repeatable = true;    ///< a replay from pg_control's position gives what the first one gave (OnlyOnce)
};

/// From the repository; --delta keeps what fits of whatever lies in the staging directory, so doubt means this.
struct Copy {
    std::string why{};  ///< for the log; empty when nobody would expect anything else
    log::Level level = log::Level::info;
};
/// The complete copy of an earlier run is used as it is; never Start::copy. Of what was taken back, it is
/// Start::finish.
struct Continue {
    Start start;
};

using Beginning = std::variant<Copy, Continue>;

/// Decides where the restore begins. That an earlier run was interrupted after the last step of its hand-over is seen
/// before there is a plan (hand_over_is_done), since it is finished without the repository.
Beginning decide_beginning(const Request& request, const Plan& plan, const Seen& seen);

/// Looks at the staging directory. What cannot be read is told as such and is no failure.
Seen look_at_staging(const StagingDirectory& staging, const std::optional<TakenBack>& taken_back,
                     const std::filesystem::path& bin_directory);

}  // namespace patroni_pgbackrest
