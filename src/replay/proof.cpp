#include "replay/proof.hpp"

#include "plan/reachability.hpp"
#include "replay/settings.hpp"
#include "system/file.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <string_view>
#include <utility>

namespace patroni_pgbackrest {

namespace {

/// The reasons are PostgreSQL's, never translated (getRecoveryStopReason in xlogrecovery.c).
bool reason_fits(const RecoveryTarget& target, const std::string& reason) {
    const auto begins = [&](std::string_view with) { return reason.starts_with(with); };
    if (target.is_latest()) {
        return begins("no recovery target specified");
    }
    if (target.is_immediate()) {
        return begins("reached consistency");
    }
    if (const auto* name = std::get_if<Name>(&target.point)) {
        return reason == fmt::format("at restore point \"{}\"", name->name);
    }
    if (const auto* xid = std::get_if<Xid>(&target.point)) {
        // recovery_target_xid is compared with 32-bit numbers.
        return reason == fmt::format("{} transaction {}", target.exclusive ? "before" : "after",
                                     static_cast<std::uint32_t>(xid->number));
    }
    if (const auto* lsn = std::get_if<LsnTarget>(&target.point)) {
        const auto at = postgres::Lsn::parse(reason.substr(reason.rfind(' ') + 1));
        return begins(target.exclusive ? "before LSN " : "after LSN ") && at && *at >= lsn->lsn;
    }
    // A time ends the replay in front of a commit only (recoveryStopsBefore).
    const auto& time = std::get<Time>(target.point);
    if (!begins("before ")) {
        return false;
    }
    // The server's time zone is UTC, written as `+00` or `UTC`.
    const auto at = Time::parse(reason.substr(reason.find(' ') + 1));
    return !at || (target.exclusive ? at->at >= time.at : at->at > time.at);
}

std::string nearest_point(const postgres::RecoveryLog& log) {
    if (!log.redo_end) {
        return "no WAL could be replayed";
    }
    return fmt::format("the nearest point is LSN {}{}", log.redo_end->text(),
                       log.last_transaction_time ? ", time " + *log.last_transaction_time : "");
}

bool leaves_databases_out(const Request& request) {
    return std::any_of(request.restore_options.begin(), request.restore_options.end(),
                       [](const auto& option) { return option.name.starts_with("db-"); });
}

std::string last_words_of(const postgres::RecoveryLog& log) {
    constexpr std::size_t most = 4;
    auto words = log.last_words;
    if (words.size() > most) {
        words.erase(words.begin(), words.end() - most);
    }
    return words.empty() ? "none" : system::join(words, "; ");
}

/// What the machine is short of, in PostgreSQL's own words or in the system's behind them; 0 if it is nothing of these.
int shortage_in(const std::string& words) {
    constexpr std::pair<std::string_view, int> shortages[] = {
        {"Cannot allocate memory", ENOMEM},
        {"out of memory", ENOMEM},  // MemoryContextAllocationFailure in mcxt.c, malloc elsewhere
        {"Too many open files in system", ENFILE},
        {"Too many open files", EMFILE},
        {"insufficient file descriptors", EMFILE},  // set_max_safe_fds in fd.c
        {"Resource temporarily unavailable", EAGAIN},
    };
    // A record whose length is damaged (allocate_recordbuf and XLogReadRecordAlloc in xlogreader.c).
    if (words.find("out of memory while") != std::string::npos) {
        return 0;
    }
    for (const auto& [text, error] : shortages) {
        if (words.find(text) != std::string::npos) {
            return error;
        }
    }
    return 0;
}

}  // namespace

RestoreGoal goal_of(const Request& request, const Plan& plan, const postgres::ControlData& control) {
    return {request.target,   plan.timeline(), plan.last_segment(), plan.segment_size, control.checksum_version != 0,
            plan.end_of_wal()};
}

std::string why_not_proven(const RestoreGoal& goal, const postgres::TimelineFork& fork) {
    const bool latest = goal.target.is_latest();
    const auto last = latest ? postgres::Segment::parse(goal.last_segment, goal.segment_size) : std::nullopt;
    if (last && fork.at < last->start(goal.segment_size)) {
        return fmt::format("it ended at {}, before the last planned WAL segment {}", fork.at.text(), goal.last_segment);
    }
    if (last && goal.target.ends_with_plan && fork.at > last->end(goal.segment_size)) {
        return fmt::format("it ended at {}, behind the last planned WAL segment {}", fork.at.text(), goal.last_segment);
    }
    if (!reason_fits(goal.target, fork.reason)) {
        return fmt::format("it ended at {} for another reason: {}", fork.at.text(), fork.reason);
    }
    if (latest && goal.wal_end && fork.at < *goal.wal_end) {
        return fmt::format("it ended at {}, before the end of the WAL at {}", fork.at.text(), goal.wal_end->text());
    }
    return {};
}

Reached prove_target(const Request& request, const Plan& plan, const postgres::RecoveryLog& log,
                     const postgres::ControlData& control, const std::filesystem::path& pg_wal) {
    const auto not_proven = [&](const std::string& what) {
        return Failure(ExitCode::verification_failed,
                       fmt::format("the replay to {} is not proven: {}", request.target.text(), what),
                       "nothing was handed over; the next run begins with the backup again");
    };
    if (control.state != postgres::ClusterState::shut_down) {
        throw not_proven("pg_control says " + control.state_text);
    }
    if (control.timeline <= plan.timeline()) {
        throw not_proven(fmt::format("timeline {} is not new", control.timeline.text()));
    }
    // PostgreSQL takes a number for free whose history it is told is not there.
    const auto& known = plan.archive_end;
    if (known.histories.contains(control.timeline) || known.last_segments.contains(control.timeline)) {
        throw not_proven(
            fmt::format("timeline {} is not new: the archive has one of that number already", control.timeline.text()));
    }
    const auto file = pg_wal / control.timeline.history_file();
    const auto content = system::read_file_if_present(file);
    if (!content) {
        throw not_proven("there is no " + file.string());
    }
    const auto history = postgres::TimelineHistory::parse(control.timeline, *content);
    if (history.forks.empty() || history.forks.back().parent != plan.timeline()) {
        throw not_proven(
            fmt::format("timeline {} does not follow timeline {}", control.timeline.text(), plan.timeline().text()));
    }
    const auto& fork = history.forks.back();
    // pgBackRest lets a history file be replaced, and PostgreSQL reads it once more behind the plan.
    const auto past = history.before_last_fork();
    if (past.fork_unlike(plan.history) != nullptr || plan.history.fork_unlike(past) != nullptr) {
        throw not_proven(fmt::format("it followed timeline {}, and the plan was {}", past.text(), plan.history.text()));
    }
    if (request.target.is_latest()) {
        // What follows the last record of a segment that is not full looks damaged, and is the ordinary end.
        if (log.invalid_record && fork.at != plan.wal_end) {
            throw Failure(
                ExitCode::replay_failed,
                fmt::format("a damaged WAL record ended the replay at {}: {}", fork.at.text(), *log.invalid_record),
                fmt::format("repair the segment in the repository, or ask for the last sound point with type lsn and "
                            "target {}",
                            log.redo_end.value_or(fork.at).text()))
                .lasting();
        }
    }
    if (const auto why = why_not_proven(goal_of(request, plan, control), fork); !why.empty()) {
        throw not_proven(why);
    }
    return {control.timeline, fork.at, fork.reason, log.last_transaction_time};
}

Failure failure_of_replay(const Request& request, const Plan& plan, const postgres::RecoveryLog& log,
                          const std::optional<ReplayNotes>& notes, const process::Outcome& outcome,
                          const std::filesystem::path& data_directory) {
    if (notes && notes->aborted_with) {
        Failure failure(static_cast<ExitCode>(*notes->aborted_with),
                        fmt::format("the replay to {} was aborted: {}", request.target.text(), notes->abort_message),
                        notes->abort_hint);
        return notes->abort_lasts ? failure.lasting() : failure;
    }
    const auto words = last_words_of(log);
    const auto said = [&](std::string_view text) { return words.find(text) != std::string::npos; };
    // A last segment that is not full ends like a damaged one. What fails behind it is something else.
    const bool has_replayed_all = request.target.is_latest() && log.redo_end && !said("WAL ends before ");
    if (log.invalid_record && !has_replayed_all) {
        return Failure(ExitCode::replay_failed,
                       fmt::format("a damaged WAL record ended the replay before the target {}: {}",
                                   request.target.text(), *log.invalid_record),
                       "repair the segment in the repository; " + nearest_point(log))
            .lasting();
    }
    if (said("recovery ended before configured recovery target was reached")) {
        const bool may_be_older =
            std::holds_alternative<Xid>(request.target.point) || std::holds_alternative<Name>(request.target.point);
        return Failure(ExitCode::target_not_reachable,
                       fmt::format("the archive does not reach the target {} on timeline {}", request.target.text(),
                                   plan.timeline().text()),
                       nearest_point(log) +
                           (may_be_older ? fmt::format("; if the target is before the end of backup "
                                                       "set {}, only an older one leads to it (set)",
                                                       plan.backup.label)
                                         : "") +
                           other_timelines_hint(plan))
            .lasting();
    }
    // PerformWalRecovery in xlogrecovery.c, StartupXLOG in xlog.c until 14.
    if (said("requested recovery stop point is before consistent recovery point")) {
        return Failure(ExitCode::target_not_reachable,
                       fmt::format("the target {} lies before the end of backup set {}", request.target.text(),
                                   plan.backup.label),
                       "only an older backup set leads to it: name one with set; the first point that this one leads "
                       "to is its end, type immediate")
            .lasting();
    }
    // RmgrNotFound in rmgr.c. At the end of the WAL a record may look as if it had another one, or a wrong checksum.
    if (said("resource manager with ID ")) {
        return Failure(ExitCode::replay_failed, "the WAL was written by a custom resource manager: " + words,
                       "name the extension's library with preload, as the source had it in shared_preload_libraries")
            .lasting();
    }
    // pgBackRest delivers a file that is neither compressed nor encrypted as it is (RestoreArchivedFile in
    // xlogarchive.c).
    if (said("has wrong size: ")) {
        return Failure(ExitCode::pgbackrest_failed, "a WAL file is damaged in the repository: " + words,
                       "bring an intact copy of it back, or restore to a point before it with type lsn")
            .lasting();
    }
    // CheckForInvalidPages in xlogutils.c. pgBackRest leaves files of zeros where a database is left out.
    if (said("WAL contains references to invalid pages")) {
        const bool leaves_out = leaves_databases_out(request);
        return Failure(ExitCode::replay_failed,
                       leaves_out ? "the WAL changes pages of a database that db-include or db-exclude leaves out, and "
                                    "there are only zeros: " +
                                        words
                                  : "the WAL changes pages that the backup does not have: " + words,
                       leaves_out
                           ? "leave db-include and db-exclude out, and drop the other databases afterwards: what "
                             "was written without page checksums cannot be replayed otherwise"
                           : fmt::format("look at backup set {} with pgbackrest verify, or name another one with "
                                         "set",
                                         plan.backup.label))
            .lasting();
    }
    // The second one is mdextend's hint for a write that was cut short (md.c).
    if (said("No space left on device") || said("Check free disk space")) {
        return Failure(ExitCode::system_refused,
                       fmt::format("the disk of {} is full: {}",
                                   fullest_place(data_directory, tablespaces_of(data_directory)).string(), words),
                       "make room there, then run it again: it continues where it stopped");
    }
    if (const int shortage = shortage_in(words)) {
        return Failure(
            ExitCode::system_refused,
            fmt::format("PostgreSQL {} during the replay, since the operating system refused it what it needs: {}",
                        process::describe(outcome), words),
            system::hint_for(shortage));
    }
    return Failure(
        ExitCode::replay_failed,
        fmt::format("PostgreSQL {} during the replay; its last words: {}", process::describe(outcome), words),
        "read PostgreSQL's lines above; the next run continues with the same copy");
}

bool tells_of_a_flush(std::string_view words) {
    // issue_xlog_fsync in xlog.c, ProcessSyncRequests in sync.c and others.
    return words.find("could not fsync ") != std::string_view::npos ||
           words.find("could not fdatasync ") != std::string_view::npos;
}

}  // namespace patroni_pgbackrest
