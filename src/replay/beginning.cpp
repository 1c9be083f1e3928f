#include "replay/beginning.hpp"

#include "postgres/binaries.hpp"
#include "replay/ticket.hpp"
#include "staging/memory.hpp"
#include "staging/places.hpp"
#include "system/failure.hpp"

#include <fmt/format.h>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;
using postgres::ClusterState;

namespace {

/// What it failed with, empty when it did not. An interruption goes on as the exception that it is, and so does what
/// the system refuses: it says nothing of what was attempted.
std::string attempt(const std::function<void()>& work) {
    try {
        work();
        return {};
    } catch (const Failure& failure) {
        if (is_interruption(failure.code()) || failure.code() == ExitCode::system_refused) {
            throw;
        }
        return failure.what();
    }
}

/// Patroni could not use it (a port taken, a wrong parameter), which says nothing against its data.
Beginning decide_for_taken_back(const Request& request, const Seen& seen) {
    const auto unusable = [](const std::string& why) {
        return Copy{"it cannot be used as it is: " + why, log::Level::warning};
    };
    if (request.recovery != Recovery::standalone) {
        return Copy{};
    }
    if (!seen.taken_back->is_newest) {
        return Copy{"the archive has newer WAL than it: only its files are used", log::Level::warning};
    }
    if (!seen.control) {
        return unusable(seen.why_unreadable);
    }
    if (seen.taken_back->came_up || seen.control->state != ClusterState::shut_down) {
        return Copy{"PostgreSQL came up in it, and what was written since is not asked for: only its files are used"};
    }
    // patroni.yml may have other roles by now: Patroni's bootstrap ends when it cannot log in.
    return seen.has_signal_file ? Beginning(Copy{}) : Continue{Start::finish};
}

/// Why a recovery that ended in an earlier run does not count any more; empty when it does.
std::string why_outdated(const Request& request, const Plan& plan, const Journal& earlier, postgres::Timeline reached) {
    if (reached > plan.timeline() && plan.archive_end.histories.count(reached) > 0) {
        return fmt::format("timeline {} is in the archive meanwhile", reached.text());
    }
    if (reached <= plan.timeline() || !earlier.goal) {
        return {};
    }
    // With newer WAL `nearest` may mean another point.
    const bool means_another = earlier.goal->target.ends_with_plan != request.target.ends_with_plan;
    if (means_another || (request.target.is_latest() && earlier.goal->last_segment < plan.wal.last())) {
        return "the archive has newer WAL";
    }
    return {};
}

constexpr const char* booted_since = "the machine was started or the disk mounted anew since the earlier run, which "
                                     "flushed nothing to disk: its copy is checked against the backup first";

Beginning decide_after_earlier_run(const Request& request, const Plan& plan, const Seen& seen) {
    const auto& earlier = *seen.earlier;
    if (earlier.backup_set != plan.backup.label || earlier.phase == Phase::copying || !seen.is_cluster) {
        return Copy{};
    }
    if (earlier.phase >= Phase::replaying && !earlier.followed.empty() && earlier.followed != plan.history.text()) {
        return Copy{fmt::format("an earlier run followed timeline {}, and the plan is timeline {}: what it left "
                                "is checked against the backup first",
                                earlier.followed, plan.history.text())};
    }
    if (seen.places_changed) {
        return Copy{
            "a directory of the earlier run outside of the staging directory is gone, empty or another one now: "
            "the copy is checked against the backup first"};
    }
    if (!seen.control && !seen.same_boot) {
        return Copy{booted_since};
    }
    if (!seen.control) {
        return Copy{"what an earlier run left cannot be used as it is: " + seen.why_unreadable, log::Level::warning};
    }
    if (const auto why = why_outdated(request, plan, earlier, seen.control->timeline); !why.empty()) {
        return Copy{fmt::format("what an earlier run recovered is out of date, {}: only its files are used", why)};
    }
    const auto start =
        decide_start(earlier.phase, *seen.control, plan.timeline(), seen.same_boot, seen.has_backup_label);
    if (start == Start::replay && !seen.is_repeatable) {
        return Copy{"the interrupted replay copied a database file by file, or dropped a tablespace, which gives "
                    "something else the second time: what it left is checked against the backup first"};
    }
    if (start != Start::copy) {
        return Continue{start};
    }
    return Copy{seen.same_boot ? "" : booted_since};
}

}  // namespace

Start decide_start(Phase phase, const postgres::ControlData& control, postgres::Timeline planned, bool same_boot,
                   bool has_backup_label) {
    const bool is_on_disk = same_boot || phase == Phase::handing_over;
    if (phase == Phase::copying || !is_on_disk) {
        return Start::copy;
    }
    if (phase == Phase::copied) {
        return Start::replay;
    }
    if (control.timeline > planned) {
        // Also what is finished: behind a resume nobody else makes the roles that patroni.yml has by now.
        return Start::finish;
    }
    const bool unfinished =
        control.state == ClusterState::in_archive_recovery || control.state == ClusterState::shut_down_in_recovery;
    const bool unbegun = phase == Phase::replaying && has_backup_label && control.state == ClusterState::in_production;
    return unfinished || unbegun ? Start::replay : Start::copy;
}

Beginning decide_beginning(const Request& request, const Plan& plan, const Seen& seen) {
    if (seen.taken_back) {
        return decide_for_taken_back(request, seen);
    }
    return seen.earlier ? decide_after_earlier_run(request, plan, seen) : Copy{};
}

Seen look_at_staging(const StagingDirectory& staging, const std::optional<TakenBack>& taken_back,
                     const fs::path& bin_directory) {
    Seen seen;
    seen.taken_back = taken_back;
    seen.earlier = staging.earlier();
    seen.is_cluster = fs::exists(staging.path() / "PG_VERSION");
    seen.has_signal_file =
        fs::exists(staging.path() / "recovery.signal") || fs::exists(staging.path() / "standby.signal");
    seen.has_backup_label = fs::exists(staging.path() / "backup_label");
    if (!seen.taken_back && !seen.earlier) {
        return seen;
    }
    seen.why_unreadable = attempt([&] {
        postgres::major_version(staging.path());
        seen.control = postgres::read_control_data(bin_directory, staging.path());
        const auto once = OnlyOnce::in(staging.path());
        seen.is_repeatable = !once || !once->is_behind(seen.control->redo);
    });
    seen.places_changed = seen.earlier && !are_as_linked(seen.earlier->places, staging.path());
    seen.same_boot = seen.earlier && seen.earlier->is_of_this_boot(staging.path());
    return seen;
}

}  // namespace patroni_pgbackrest
