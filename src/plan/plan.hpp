#pragma once

#include "pgbackrest/archive_growth.hpp"
#include "pgbackrest/backup_targets.hpp"
#include "pgbackrest/info.hpp"
#include "plan/end_of_wal.hpp"
#include "plan/repository_state.hpp"
#include "plan/wal_path.hpp"
#include "postgres/timeline_history.hpp"
#include "postgres/wal.hpp"
#include "request/request.hpp"

#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// What will be done, decided before anything is touched.
struct Plan {
    pgbackrest::Backup backup;
    pgbackrest::Database database;
    int major_version = 0;
    postgres::TimelineHistory history;                 ///< of the timeline that recovery follows
    bool newest_timeline = true;                       ///< the archive has none that is newer
    bool explicit_timeline = false;                    ///< the request named one
    std::string reason_for_timeline;                   ///< in words, for the log
    std::vector<postgres::Timeline> other_timelines;   ///< that hold WAL which is not on the way
    pgbackrest::RejectedTimelines rejected_timelines;  ///< see RejectedRuns
    RecoveryTarget target;  ///< the request's; with `nearest` the plan's end, when it lies behind the last commit
    PlannedWal wal;
    std::optional<LastCommit> last_commit;  ///< searched for a time, and with `nearest`
    bool has_no_commit = false;  ///< searched, and behind the backup's end is none, nor an abort that ends the replay
    std::optional<postgres::Lsn> wal_end;  ///< where the last segment's valid records end, when it is not full
    postgres::SegmentSize segment_size;
    std::vector<pgbackrest::BackupTarget> targets;  ///< tablespaces and links
    pgbackrest::ArchiveEnd archive_end;             ///< where it ended when the plan was made

    postgres::Timeline timeline() const { return history.timeline; }
    /// The last segment in which a replay of all the WAL can end.
    std::string last_segment() const;
    /// Where a replay of all the WAL ends, or before that.
    std::optional<postgres::Lsn> end_of_wal() const;
};

/// Decides backup set, timeline and segments; looks into the WAL where that decides. Throws
/// Failure(target_not_reachable) when the archive cannot serve it: a gap before the target, a timeline that the backup
/// is not part of, a fork whose segment is not there, a target before the first backup or behind the last commit.
/// Failure(pgbackrest_failed) or Failure(replay_failed), lasting, when a file that is needed is damaged.
Plan make_plan(const Request& request, const RepositoryState& repository);

}  // namespace patroni_pgbackrest
