#pragma once

#include "pgbackrest/archive.hpp"
#include "pgbackrest/archive_growth.hpp"
#include "pgbackrest/backup_targets.hpp"
#include "pgbackrest/info.hpp"
#include "postgres/timeline_history.hpp"
#include "postgres/wal.hpp"
#include "request/request.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// Segments of one timeline that follow each other, named as the archive names them.
struct SegmentRange {
    std::string first, last;
};

/// Every segment the replay may ask for along the plan's timelines. A segment in here that the archive no longer has
/// must never be taken for the end of the archive.
struct PlannedWal {
    std::vector<SegmentRange> ranges;  ///< in the order of the replay
    std::size_t segments = 0;
    std::vector<std::string> missing;  ///< planned, but not in the archive now: gaps

    std::string first() const { return ranges.empty() ? std::string() : ranges.front().first; }
    std::string last() const { return ranges.empty() ? std::string() : ranges.back().last; }
    bool contains(const std::string& segment) const;
};

/// What will be done, decided before anything is touched.
struct Plan {
    pgbackrest::Backup backup;
    pgbackrest::Database database;
    int major_version = 0;
    postgres::TimelineHistory history;  ///< of the timeline that recovery follows
    bool newest_timeline = true;        ///< the archive has none that is newer
    bool explicit_timeline = false;     ///< the request named one
    std::string reason_for_timeline;    ///< in words, for the log
    PlannedWal wal;
    postgres::SegmentSize segment_size;
    std::vector<pgbackrest::BackupTarget> targets;  ///< tablespaces and links
    pgbackrest::ArchiveEnd archive_end;             ///< where it ended when the plan was made

    postgres::Timeline timeline() const { return history.timeline; }
};

/// What the repository tells, read before a plan is made.
struct RepositoryState {
    pgbackrest::Stanza stanza;
    std::vector<pgbackrest::Archive> archives;  ///< those of the backup's cluster
    pgbackrest::ArchiveContent archive;
    std::vector<pgbackrest::BackupTarget> targets;  ///< of the backup set that choose_backup() finds
};

/// The backup set that fits the request. Throws Failure(target_not_reachable) naming those there are.
pgbackrest::Backup choose_backup(const Request& request, const pgbackrest::Stanza& stanza);

/// The segments from the backup's start along `history` to the end of what the archive has (to the backup's end for an
/// immediate target, to the target's segment for an LSN).
PlannedWal plan_wal(const pgbackrest::Backup& backup, const RecoveryTarget& target,
                    const postgres::TimelineHistory& history, const std::set<std::string>& archived,
                    postgres::SegmentSize size);

/// Decides backup set, timeline and segments. Throws Failure(target_not_reachable) when the archive cannot serve it: a
/// gap before the target, a timeline that the backup is not part of, a target outside of what there is.
Plan make_plan(const Request& request, const RepositoryState& repository);

/// Throws Failure(preflight_refused) naming the program when it is not there.
void require_pgbackrest(const Request& request);

/// Reads `pgbackrest info` and the archive's listing.
RepositoryState read_repository(const Request& request);

}  // namespace patroni_pgbackrest
