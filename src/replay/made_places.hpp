#pragma once

#include "replay/guard.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

enum class PlaceState {
    absent,
    free,     ///< no tablespace is in it; a mount point's lost+found may be
    filled,   ///< with a tablespace
    foreign,  ///< another user's: PostgreSQL sets the permissions, and cannot
};
PlaceState state_of_place(const std::filesystem::path& place, int major);

/// What the guard answers before PostgreSQL gets a segment whose WAL makes a tablespace there; empty when it may have
/// it. PostgreSQL takes over whatever lies in the place: blocks that were written behind the replay would stay as they
/// are, and so would a living cluster's lose what it has (create_tablespace_directories in tablespace.c, 13 to 18).
/// `data_directory` is for the hint.
std::optional<GuardAnswer> judge_place(const std::filesystem::path& place, PlaceState state, bool is_ours,
                                       const std::filesystem::path& data_directory = ".");

/// Of a rehearsal, which writes nowhere but in its scratch directory: a tablespace elsewhere, which PostgreSQL would
/// make at its real place, or link to it, whatever tablespace-map said of the backup's. Empty for a place that lies in
/// it, and for a restore.
std::optional<GuardAnswer> refuse_outside_of_scratch(const Ticket& ticket, const std::filesystem::path& place);

/// Of WAL that was written with wal_level minimal; `before`: where the last record before it begins.
GuardAnswer refusal_of_minimal_wal(postgres::Lsn before);

/// Of WAL that copies a database file by file before the backup's end, whose source is changed or dropped until then.
GuardAnswer refusal_of_changed_source(const postgres::DatabaseCopy& copy, postgres::Lsn backup_end);

/// Looks into a segment that was delivered to `delivered` for what it holds before the replay ends: WAL of wal_level
/// minimal, and copies of databases of which the backup has other files, which are refused, and tablespaces that it
/// makes.
/// Patroni's server gets room for them at once (make_room); a private server cannot write there before it is started
/// again, and is given `wanted_places`. Where anything of somebody's lies, the answer is a refusal. What must not be
/// replayed twice is noted (OnlyOnce) with the startup process that gets it.
std::optional<GuardAnswer> prepare_places(const Ticket& ticket, const std::filesystem::path& data_directory,
                                          const std::string& wanted, const std::filesystem::path& delivered,
                                          const std::string& startup_process);

/// Makes a place's directory if it is absent, and notes it as the restore's own (made_places_file in the data
/// directory). Throws Failure(replay_failed).
void make_room(const std::filesystem::path& data_directory, const std::filesystem::path& place);

}  // namespace patroni_pgbackrest
