#pragma once

#include "plan/repository_state.hpp"
#include "request/request.hpp"
#include "staging/old_wal.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// WAL of the cluster that only an old data directory has.
struct UnarchivedWal {
    std::vector<postgres::Timeline> histories;  ///< history files
    std::vector<OldSegment> segments;

    /// The files' names in the order in which they get into the archive.
    std::vector<std::string> names(postgres::SegmentSize size) const;
};

/// What would be restored if the archive had it: each complete segment, and the unfinished one when somebody has
/// committed in it (a clean shutdown leaves a segment with its checkpoint alone). Not what lies behind a fork that the
/// archive knows: a failover or a restore left it, and in the archive it would contradict the timeline that was
/// followed. Not a timeline whose number the archive has given to another one. A history file counts with its segments,
/// or when the archive has something of its timeline.
UnarchivedWal unarchived_wal(const OldWal& wal, const pgbackrest::ArchiveContent& archive, postgres::SegmentSize size);

/// Names it, with the command that brings it into the archive.
Problem problem_of(const OldWal& wal, const UnarchivedWal& unarchived, const pgbackrest::Pgbackrest& pgbackrest,
                   postgres::SegmentSize size);

/// Looks at every old data directory of the cluster on this machine (old_data_directories). One problem for each that
/// has such WAL, or whose pg_wal cannot be read.
std::vector<Problem> find_unarchived_wal(const Request& request, const RepositoryState& repository);

/// How many finished segments a primary in this data directory has not archived yet, by their marks in archive_status.
/// Empty for a standby, and where nobody may look.
std::optional<std::uint64_t> segments_not_archived(const std::filesystem::path& data_directory);

}  // namespace patroni_pgbackrest
