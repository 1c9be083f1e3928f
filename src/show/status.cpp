#include "show/status.hpp"

#include "show/progress_text.hpp"
#include "system/exit_code.hpp"
#include "system/machine.hpp"
#include "system/process_facts.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fmt/format.h>
#include <system_error>
#include <unistd.h>

namespace patroni_pgbackrest {

namespace {

using State = RunStatus::State;

/// A run that lives writes every few seconds.
constexpr std::int64_t longest_pause = 60;

/// A process of another container cannot be looked for, but its lock can. Where the file system has no locks on
/// directories (NFS), it must do that it still writes.
bool is_alive(const RunStatus& status, const StatusSurroundings& seen) {
    const auto& process = status.process;
    if (process.boot != seen.here.boot) {
        return false;
    }
    if (process.pid_namespace == seen.here.pid_namespace) {
        return seen.process_is_alive;
    }
    return process.has_lock ? seen.is_locked : seen.now - status.updated <= longest_pause;
}

/// What the journal alone tells of a restore that was handed over.
RunStatus handed_over(const Journal& journal) {
    RunStatus status;
    status.state = State::done;
    status.scope = journal.scope;
    status.started = status.updated = journal.handed_over ? journal.handed_over->at : 0;
    status.target = journal.goal ? journal.goal->target.text() : "";
    status.phase.phase = "hand-over";
    return status;
}

std::string ago(std::int64_t then, std::int64_t now) {
    return fmt::format("{} ({} ago)", instant(then),
                       duration_text(std::chrono::seconds(std::max<std::int64_t>(0, now - then))));
}

/// What a silent run told is not what it does now.
std::string when_told(const RunStatus& status, std::int64_t now) {
    return is_silent(status, now) ? "; it told so at " + ago(status.updated, now) : "";
}

/// As decide_resume(), as far as nobody asks the DCS.
bool may_resume(const RunStatus& status) {
    const bool is_for_patroni = status.plan && status.plan->recovery == "patroni";
    return !status.is_given_up && (!is_for_patroni || status.target == RecoveryTarget{}.text());
}

std::string headline(const RunStatus& status, std::int64_t now) {
    const auto& phase = status.phase;
    const auto at = phase.percent ? fmt::format(" at {} %", static_cast<int>(*phase.percent)) : "";
    switch (status.state) {
    case State::running:
        return fmt::format("running, in the phase {}{}", phase.phase, when_told(status, now));
    case State::waiting:
        return fmt::format("waiting in the phase {}{}", phase.phase, when_told(status, now));
    case State::done:
        return fmt::format("done at {}{}", ago(status.updated, now),
                           status.plan && status.plan->recovery == "patroni"
                               ? "; the WAL is left to Patroni's PostgreSQL, whose log tells of its replay"
                               : "");
    case State::failed:
        return fmt::format(
            "failed in the phase {}{} at {}", phase.phase, at,
            ago(status.last_error && status.last_error->at != 0 ? status.last_error->at : status.updated, now));
    case State::interrupted:
        return fmt::format("interrupted in the phase {}{}, last seen at {}; what was copied is kept for {}the next "
                           "bootstrap",
                           phase.phase, at, ago(status.updated, now), may_resume(status) ? "resume or " : "");
    case State::none:
        return "none is known";
    }
    return "";
}

std::string next_try_text(const RunStatus& status, std::int64_t now) {
    if (status.state == State::running) {
        return "";
    }
    if (!status.next_try) {
        return "when somebody has changed what the error names";
    }
    const auto at = instant(*status.next_try);
    if (status.state == State::waiting) {
        return "at " + at;
    }
    if (*status.next_try <= now) {
        return "with the next bootstrap, at once";
    }
    // A pause of pgBackRest's retries ended with the run that was killed in it; one between two runs goes on.
    return status.state == State::interrupted ? "with the next bootstrap, which waits until " + at + " at most"
                                              : "with the next bootstrap, not before " + at;
}

std::string members_text(const RunStatus& status) {
    if (!status.members) {
        return "";
    }
    const auto names = status.members->empty() ? std::string("none in the DCS") : system::join(*status.members, ", ");
    return names + (status.leader.empty() ? "; nobody leads" : "; " + status.leader + " leads");
}

std::string finished_phases(const RunStatus& status) {
    std::string words;
    for (const auto& [name, seconds] : status.phases) {
        words += fmt::format("{}{} {}", words.empty() ? "" : ", ", name, duration_text(seconds));
    }
    return words;
}

}  // namespace

ProcessMark ProcessMark::of_this_process() {
    std::error_code error;
    return {::getpid(), system::start_time_of(::getpid()), system::boot_id(),
            std::filesystem::read_symlink("/proc/self/ns/pid", error).string()};
}

RunStatus judge_status(std::optional<RunStatus> written, const StatusSurroundings& seen) {
    const auto& journal = seen.journal;
    const bool is_handed_over = journal && journal->phase == Phase::handed_over && !journal->planning;
    if (!written && is_handed_over) {
        written = handed_over(*journal);
    }
    if (!written) {
        RunStatus none;
        none.state = State::none;
        return none;
    }
    const bool is_finished_since =
        is_handed_over && journal->handed_over && journal->handed_over->at > written->updated;
    const bool is_gone = written->is_under_way() && !is_alive(*written, seen);
    if ((is_gone && is_handed_over) || (!written->is_under_way() && is_finished_since)) {
        written->state = State::done;
        written->updated = std::max(written->updated, journal->handed_over ? journal->handed_over->at : 0);
        written->last_error.reset();
        written->next_try.reset();
    } else if (is_gone) {
        written->state = State::interrupted;
        if (written->last_error && !written->next_try) {
            written->next_try = written->updated;  // it had been tried again
        }
    }
    written->is_given_up = journal && journal->given_up;
    if (!written->is_under_way()) {
        written->phase.rate.reset();
        written->phase.left.reset();
        written->waits_for.clear();
    }
    if (written->state == State::done && journal && journal->rejected) {
        written->state = State::failed;
        written->phase = PhaseView();
        written->phase.phase = "verify";
        written->last_error = {static_cast<int>(ExitCode::verification_failed), journal->rejected->message,
                               journal->rejected->hint,
                               journal->rejected->at != 0 ? journal->rejected->at : written->updated};
        written->next_try.reset();
    }
    if (written->state == State::done && written->reached.empty() && journal && journal->reached) {
        written->reached = reached_text(*journal->reached);
    }
    return *written;
}

bool is_silent(const RunStatus& status, std::int64_t now) {
    return status.is_under_way() && now - status.updated > longest_pause;
}

std::string reached_text(const Reached& reached) {
    return fmt::format("{} ({}), new timeline {}", reached.lsn.text(), reached.reason, reached.timeline.text());
}

std::string status_text(const RunStatus& status, std::int64_t now) {
    std::string text;
    const auto line = [&](std::string_view name, const std::string& words) {
        if (!words.empty()) {
            // The file's words may be from anywhere, and this goes to a terminal.
            text += fmt::format("{:<10} {}\n", name, system::on_one_line(words));
        }
    };
    line("restore", headline(status, now));
    if (status.state != State::done && status.phase.percent) {
        line("progress", progress_line(status.phase, status.position));
    }
    line("waits for", status.waits_for);
    line("reached", status.reached);
    line("target", status.target);
    if (status.plan) {
        const auto& plan = *status.plan;
        line("plan", fmt::format("backup set {} of repository {}, timeline {}, {} WAL segments, {} mode",
                                 plan.backup_set, plan.repository, plan.timeline, plan.wal_segments, plan.recovery));
    }
    line("members", members_text(status));
    line("directory", status.data_directory);
    if (status.started != 0 && !status.phases.empty()) {
        line("started", ago(status.started, now));
        line("phases", finished_phases(status));
    }
    if (status.last_error) {
        const auto& error = *status.last_error;
        line(status.is_under_way() ? "last error" : "error",
             error.exit_code == 0 ? error.message
                                  : fmt::format("{} (exit code {}, {})", error.message, error.exit_code,
                                                meaning_of(static_cast<ExitCode>(error.exit_code)).meaning));
        line("hint", error.hint);
        line("next try", next_try_text(status, now));
    }
    if (status.left_behind) {
        line("left", status.left_behind->message);
        line("hint", status.left_behind->hint);
    }
    return text;
}

ExitCode exit_code_of(const RunStatus& status) {
    switch (status.state) {
    case State::running:
    case State::waiting:
    case State::done:
    case State::none:
        break;
    case State::failed:
        return status.last_error && status.last_error->exit_code != 0
                   ? static_cast<ExitCode>(status.last_error->exit_code)
                   : ExitCode::internal_error;
    case State::interrupted:
        return status.last_error && status.last_error->exit_code != 0
                   ? static_cast<ExitCode>(status.last_error->exit_code)
                   : ExitCode::terminated;
    }
    return ExitCode::done;
}

}  // namespace patroni_pgbackrest
