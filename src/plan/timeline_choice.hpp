#pragma once

#include "pgbackrest/archive.hpp"
#include "plan/archived_wal.hpp"
#include "request/request.hpp"

#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

struct TimelineChoice {
    postgres::TimelineHistory history;
    bool newest;         ///< no newer one is in the archive
    std::string reason;  ///< in words
    /// Others that descend from the backup and hold WAL which is not on the way: where a target may be instead.
    std::vector<postgres::Timeline> others{};
};

/// The timeline that recovery follows. Wished for by number, `latest` or `current`; else for an immediate target the
/// backup's own, for a time the one that was alive then (with PostgreSQL's default, `latest`, a time after a later fork
/// silently brings back the fork's data), for everything else the newest that descends from the backup. Throws
/// Failure(target_not_reachable), also when two branches were written at the target time, or may hold the LSN, the
/// transaction or the restore point: only a person knows which of them is meant. The same when a newer timeline that
/// the backup is not part of has commits of its own, or has left only its history, so that nobody knows, and nobody has
/// named a backup set: one of the two was abandoned.
/// `backups`: all that could be named instead.
TimelineChoice choose_timeline(const Request& request, const pgbackrest::Backup& backup,
                               const std::vector<pgbackrest::Backup>& backups,
                               const pgbackrest::ArchiveContent& archive, ArchivedWal& wal, postgres::SegmentSize size);

/// The timeline in the name of the backup's first segment. Throws Failure(target_not_reachable) for an offline backup.
postgres::Timeline starting_timeline(const pgbackrest::Backup& backup);

/// Whether the backup is part of a timeline's past.
bool descends_from(const postgres::TimelineHistory& history, const pgbackrest::Backup& backup);

/// Whether a backup can be on the way to the wished timeline at all: it does not start on a newer one.
bool may_start_on(const pgbackrest::Backup& backup, const std::optional<TimelineWish>& wish);

}  // namespace patroni_pgbackrest
