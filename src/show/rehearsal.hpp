#pragma once

#include "show/page.hpp"
#include "show/status.hpp"
#include "system/finding.hpp"

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace patroni_pgbackrest {

/// What one rehearsal showed: a line of the history, and a part of its report. Times are seconds, sizes bytes.
struct Rehearsal {
    std::int64_t at = 0;  ///< when it began, since 1970
    std::string stanza, target, backup_set;
    std::optional<std::uint64_t> seed;  ///< of a random target
    int exit_code = 0;
    std::string phase, message;  ///< of a failure: in which phase, and why
    std::string reached;         ///< where the recovery ended, in words
    double seconds = 0;
    std::vector<std::pair<std::string, double>> phases;  ///< in their order
    std::uint64_t copied = 0, replayed = 0;              ///< bytes; WAL segments

    std::string window;                             ///< in words
    std::optional<std::int64_t> last_commit;        ///< the end of the window, since 1970
    std::optional<std::uint64_t> not_archived;      ///< segments that wait for the archive on this node
    std::uint64_t bytes_now = 0, segments_now = 0;  ///< a restore to the latest point: its copy, its replay
    std::vector<std::string> examined;              ///< `checksums`, `dump of 3 databases`, …
    std::vector<Problem> warnings;

    bool is_done() const { return exit_code == 0; }
    /// Whether a restore to the latest point could be planned.
    bool knows_latest() const { return bytes_now > 0; }
    /// Of one phase; 0 if it was not reached.
    double seconds_of(const std::string& name) const;
    /// Bytes a second; segments a second. Empty where too little was measured.
    std::optional<double> copy_rate() const;
    std::optional<double> replay_rate() const;
    /// How long a restore to the latest point takes, by these rates; empty where they are not known.
    std::optional<double> projected() const;

    nlohmann::json to_json() const;
    /// Empty for what is no such line, or one of a newer program.
    static std::optional<Rehearsal> from_json(const std::string& line);
    static bool is_newer(const std::string& line);
};

/// For a person, in lines of a name and what there is to say.
std::string rehearsal_text(const Rehearsal& rehearsal);
/// For its page: what was looked at, the rates, the window, what would be lost now, how long a restore would take, and
/// the warnings.
PageAdditions page_additions(const Rehearsal& rehearsal);

/// `$XDG_STATE_HOME/patroni_pgbackrest/rehearsals.jsonl`, in ~/.local/state where that is not set.
std::filesystem::path usual_rehearsals_file();
/// The oldest first; lines that are none are passed over, and those of a newer program with a warning. Empty when there
/// is no such file.
std::vector<Rehearsal> read_rehearsals(const std::filesystem::path& file);
/// Adds one at the end, in one write. Throws Failure(system_refused).
void add_rehearsal(const std::filesystem::path& file, const Rehearsal& rehearsal);

/// Beside the history: the status of the rehearsal that runs, for as long as it has not told of its end.
std::filesystem::path note_of_rehearsal(const std::filesystem::path& history);
/// Of one that has left its note and is gone: it was killed. Empty when there is none, also while one runs.
std::optional<RunStatus> killed_rehearsal(const std::filesystem::path& history);
/// Its line of the history.
Rehearsal rehearsal_of_killed(const RunStatus& status);

/// For a program: an object of each rehearsal a line.
std::string history_json(const std::vector<Rehearsal>& rehearsals);
/// One line each, and how the last one compares with those before it.
std::string history_text(const std::vector<Rehearsal>& rehearsals);

/// The finding `no-rehearsal`, when none of this stanza has succeeded for a month; `now` in seconds since 1970. One
/// that could not plan a restore to the latest point as well does not count.
std::vector<Finding> review_rehearsals(const std::vector<Rehearsal>& rehearsals, const std::string& stanza,
                                       std::int64_t now);

}  // namespace patroni_pgbackrest
