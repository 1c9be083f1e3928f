#pragma once

#include "patroni/configuration.hpp"
#include "pgbackrest/archive.hpp"
#include "postgres/timeline_history.hpp"
#include "postgres/wal.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// A segment file that the server has written to. pg_wal has others as well, kept under later names to be written to
/// one day: their first page still has the address that it had under the earlier name.
struct OldSegment {
    postgres::Segment segment;
    bool is_complete = false;   ///< the server went on to the next one: pg_wal/archive_status has a mark for it
    bool holds_commit = false;  ///< looked for only where it is not complete

    bool operator==(const OldSegment&) const = default;
};

/// What pg_wal of a data directory has in which no server runs.
struct OldWal {
    std::filesystem::path data_directory;
    std::vector<OldSegment> segments;  ///< that the archive does not have; by timeline, then number
    std::map<postgres::Timeline, postgres::TimelineHistory> histories;
    std::string why_unknown;  ///< empty if it could be read
};

/// Data directories of this cluster in which no server runs and whose WAL nobody has looked after: PGDATA itself, those
/// beside it whatever their name (`main.old`, `main.failed`), and those in it whose name begins with a dot. Not those
/// that this program made: staging, and what it handed over, unless that led (fate_of).
std::vector<std::filesystem::path>
old_data_directories(const std::filesystem::path& data_directory, const std::string& system_identifier,
                     const std::optional<patroni::Configuration>& patroni = std::nullopt);

/// The histories in a pg_wal that can be read, as_it_happened().
std::map<postgres::Timeline, postgres::TimelineHistory> histories_in(const std::filesystem::path& pg_wal);

/// Reads pg_wal, which may be a link. Segments before `from`, on its timeline or by their position, and those in
/// `archived` are left out.
OldWal read_old_wal(const std::filesystem::path& data_directory, const std::string& system_identifier,
                    const postgres::Segment& from, const pgbackrest::ArchivedFiles& archived,
                    postgres::SegmentSize size);

}  // namespace patroni_pgbackrest
