#pragma once

#include "pgbackrest/archive_growth.hpp"
#include "pgbackrest/backup_targets.hpp"
#include "pgbackrest/info.hpp"
#include "plan/repository_state.hpp"
#include "plan/wal_path.hpp"
#include "postgres/timeline_history.hpp"
#include "postgres/wal.hpp"
#include "request/request.hpp"

#include <string>
#include <vector>

namespace patroni_pgbackrest {

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

/// Decides backup set, timeline and segments. Throws Failure(target_not_reachable) when the archive cannot serve it: a
/// gap before the target, a timeline that the backup is not part of, a target before the first backup or behind the
/// archive's end.
Plan make_plan(const Request& request, const RepositoryState& repository);

}  // namespace patroni_pgbackrest
