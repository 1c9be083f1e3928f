#pragma once

#include "plan/plan.hpp"
#include "show/progress.hpp"
#include "staging/journal.hpp"
#include "staging/layout.hpp"
#include "staging/reached.hpp"
#include "system/failure.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace patroni_pgbackrest {

/// A process that can be found again, or missed.
struct ProcessMark {
    pid_t pid = 0;
    unsigned long long start_time = 0;  ///< as ProcessStatus
    std::string boot;                   ///< the kernel's boot id
    std::string pid_namespace;          ///< a container has numbers of its own
    bool has_lock = false;              ///< on the directory of its status file, for as long as it lives

    static ProcessMark of_this_process();
};

/// What a run tells while it lasts, and of itself at its end: the status file. docs/status.schema.json describes its
/// JSON, which `status --format json` prints as well. Times are seconds since 1970.
struct RunStatus {
    enum class State {
        running,
        waiting,  ///< for another try
        done,
        failed,
        interrupted,  ///< by a signal; or, told by who reads it, its process is gone
        none,         ///< told by who reads: no restore is known
    };
    struct PlanFacts {
        std::string backup_set;
        unsigned repository = 0;
        std::uint32_t timeline = 0;
        std::string recovery;
        std::uint64_t wal_segments = 0;
        std::string first_segment, last_segment;
        std::uint64_t backup_size = 0;  ///< bytes in the data directory
    };
    struct Error {
        int exit_code = 0;
        std::string message, hint;
        std::int64_t at = 0;
    };

    State state = State::running;
    ProcessMark process;
    std::string scope, stanza, data_directory, target;
    std::int64_t started = 0, updated = 0;
    std::optional<PlanFacts> plan;
    PhaseView phase;
    std::string position;                                ///< where the replay is, in words
    std::string waits_for;                               ///< set when nothing has moved for a while
    std::vector<std::pair<std::string, double>> phases;  ///< that ended, with their seconds
    std::optional<Error> last_error;                     ///< a failure, or what another try is waited for
    /// When that is tried again at the earliest; empty where somebody has to change something first.
    std::optional<std::int64_t> next_try;
    std::string reached;  ///< where the recovery ended, in words
    /// Of commits: the last one that was brought back; the last one that the archive held. Empty when not known.
    std::optional<std::int64_t> reached_time, window_end;
    std::optional<std::vector<std::string>> members{};  ///< in the DCS, as this run saw them last; empty: not known
    std::string leader{};                               ///< of them; empty: none
    std::optional<Problem> left_behind{};               ///< told by who reads: forgotten_base()
    bool is_given_up = false;                           ///< told by who reads: `resume` leaves it as it is

    bool is_under_way() const { return state == State::running || state == State::waiting; }
    /// On one line, or for people.
    std::string to_json(bool on_one_line = false) const;
    /// Empty for what is no status that this program understands.
    static std::optional<RunStatus> from_json(const std::string& text);
};
std::string text(RunStatus::State state);

/// Empty when there is none, or it is damaged, as a crash may leave it that comes before it is flushed. Throws
/// Failure(unsafe) naming the file when a newer program wrote it: a restore that is not understood must not look like
/// none.
std::optional<RunStatus> read_status(const std::filesystem::path& file);

/// Replaces the file in one step, and flushes nothing: after a crash it is nobody's loss. What it cannot write it
/// leaves as it was. Throws Failure(system_refused).
void write_status(const RunStatus& status, const std::filesystem::path& file);

/// What is seen beside the status file.
struct StatusSurroundings {
    std::optional<Journal> journal;
    ProcessMark here;               ///< the one who looks
    bool process_is_alive = false;  ///< a process with that number and start
    bool is_locked = false;         ///< the directory of the status file
    std::int64_t now = 0;
};

/// What is true now. The process may be gone since it wrote, `verify` may have rejected what was handed over, and an
/// interrupted hand-over may have been finished by `resume`.
RunStatus judge_status(std::optional<RunStatus> written, const StatusSurroundings& seen);

/// Whether a run that is under way has not told anything for a minute: its disk is full, or it was stopped.
bool is_silent(const RunStatus& status, std::int64_t now);

/// `0/7000158 (no recovery target specified), new timeline 3`
std::string reached_text(const Reached& reached);
/// For a person.
std::string status_text(const RunStatus& status, std::int64_t now);

/// What monitoring is told: done for a run that is done or under way, its own code for one that failed, terminated for
/// one that was interrupted.
ExitCode exit_code_of(const RunStatus& status);

}  // namespace patroni_pgbackrest
