#pragma once

#include <array>
#include <string_view>

namespace patroni_pgbackrest {

/// The program's exit codes. Patroni only distinguishes zero from non-zero; the codes are for people and monitoring.
enum class ExitCode : int {
    done = 0,
    internal_error = 1,
    usage = 2,
    preflight_refused = 3,
    target_not_reachable = 4,
    pgbackrest_failed = 5,
    repository_unreachable = 6,
    replay_failed = 7,
    verification_failed = 8,
    unsafe = 9,
    lock_held = 10,
    system_refused = 11,
    hangup = 129,
    interrupted = 130,
    terminated = 143,
    abort_recovery = 200,
};

struct ExitCodeMeaning {
    ExitCode code;
    std::string_view meaning;    ///< a few words, for --help and the log
    std::string_view what_next;  ///< what a person can do about it, for the man page and docs/exit-codes.md
    bool worth_another_try;      ///< the same call may succeed later although nobody changed anything
};

/// --help, the man page, docs/exit-codes.md and the report are made from this one table.
inline constexpr std::array exit_code_table = {
    ExitCodeMeaning{ExitCode::done, "done", "nothing: the data directory holds exactly what was asked for", false},
    ExitCodeMeaning{ExitCode::internal_error, "internal error", "report it, with the log", false},
    ExitCodeMeaning{ExitCode::usage, "usage or configuration error",
                    "correct the named option or line of patroni.yml; nothing was touched", false},
    ExitCodeMeaning{ExitCode::preflight_refused, "preflight refused",
                    "correct every listed finding; nothing was touched", false},
    ExitCodeMeaning{ExitCode::target_not_reachable, "no backup, or the target is not reachable",
                    "choose another backup set or target; the nearest reachable point is in the message", false},
    ExitCodeMeaning{ExitCode::pgbackrest_failed, "pgbackrest failed",
                    "read pgBackRest's own error above the message; the next run continues the copy", false},
    ExitCodeMeaning{ExitCode::repository_unreachable, "repository or DCS unreachable",
                    "bring it back and run it again; the next run continues where this one stopped", true},
    ExitCodeMeaning{ExitCode::replay_failed, "replay of the WAL failed",
                    "read PostgreSQL's last words in the message; nothing was handed over", false},
    ExitCodeMeaning{ExitCode::verification_failed, "verification failed",
                    "do not use the data; bootstrap has handed nothing over, and Patroni discards what verify rejects",
                    false},
    ExitCodeMeaning{ExitCode::unsafe, "refused for safety",
                    "the directory is in use or holds somebody's data; move it away yourself if it is not needed",
                    false},
    ExitCodeMeaning{
        ExitCode::lock_held, "lock held",
        "another pgBackRest works on this stanza, or another rehearsal is under way; wait until it is done, "
        "then run this again",
        true},
    ExitCodeMeaning{
        ExitCode::system_refused, "the operating system refused",
        "make room, raise the limit or give the permission that the message names, then run it again; the next "
        "run continues where this one stopped",
        true},
    ExitCodeMeaning{ExitCode::hangup, "ended by SIGHUP", "run it again; the staging directory is kept", true},
    ExitCodeMeaning{ExitCode::interrupted, "ended by SIGINT", "run it again; the staging directory is kept", true},
    ExitCodeMeaning{ExitCode::terminated, "ended by SIGTERM", "run it again; the staging directory is kept", true},
    ExitCodeMeaning{ExitCode::abort_recovery, "archive-get only: PostgreSQL must abort recovery",
                    "read the guard's message; PostgreSQL stops instead of promoting incomplete data", true},
};

const ExitCodeMeaning& meaning_of(ExitCode code);

}  // namespace patroni_pgbackrest
