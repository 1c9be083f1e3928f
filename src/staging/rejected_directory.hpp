#pragma once

#include "plan/plan.hpp"
#include "postgres/timeline_history.hpp"
#include "postgres/wal.hpp"
#include "staging/journal.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace patroni_pgbackrest {

/// The timelines that were begun in a directory, newer than the restored one, and given to archive_command.
struct BegunHistories {
    std::map<postgres::Timeline, postgres::TimelineHistory> histories;
    /// Those of which nobody says that they are in the archive: the mark is `.ready`. PostgreSQL may have been stopped
    /// between archive_command's success and the renaming of the mark.
    std::set<postgres::Timeline> unproven;
};
BegunHistories begun_histories(const std::filesystem::path& pg_wal, postgres::Timeline restored);

/// As pgBackRest has it in the file's name; coreutils has the program. Empty when there is no such file.
std::string sha1_of(const std::filesystem::path& file);

/// What was rejected archives its own timelines, which no later restore may follow. Writes down which they are while
/// the directory is there: a person may remove it, or empty a mount point, before the next restore is planned.
void note_rejected_directory(Journal& journal, const std::filesystem::path& data_directory);
/// Takes that back: the directory has led since, and its rows are wanted.
void forget_rejected_directory(Journal& journal, const std::filesystem::path& data_directory);

/// In the data directory: what the journal said of it when it was refused. No journal lies beside it under another
/// parent. A backup and a replica of it may have the file as well, and are told from it as by the journal.
constexpr const char* rejection_mark = "patroni_pgbackrest.rejected";
/// Writes it; where that fails, a warning.
void mark_rejected_directory(const Journal& journal, const std::filesystem::path& data_directory);

/// What a restore that begins writes down: the plan's, and of the cluster's earlier ones those of which its archive
/// knows nothing, since another repository may.
pgbackrest::RejectedTimelines still_rejected(const std::optional<Journal>& earlier, const Plan& plan);

}  // namespace patroni_pgbackrest
