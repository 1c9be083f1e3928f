#pragma once

#include "pgbackrest/archive.hpp"
#include "pgbackrest/info.hpp"
#include "postgres/segment_facts.hpp"
#include "postgres/timeline_history.hpp"
#include "postgres/wal.hpp"
#include "request/target.hpp"

#include <cstdint>
#include <functional>
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
    /// Calls `visit` with the name of each planned segment, the last one first, for as long as it returns true.
    void visit_backwards(postgres::SegmentSize size, const std::function<bool(const std::string&)>& visit) const;
    /// The gaps for a message: one name, or the first and the last.
    std::string missing_text() const;
};

/// The segments from the backup's start along `history` to the end of what the archive has (to the backup's end for an
/// immediate target, to the target's segment for an LSN). `archived` holds the archive's segments; those up to the
/// number `proven` were written, whether they are there or not.
PlannedWal plan_wal(const pgbackrest::Backup& backup, const RecoveryTarget& target,
                    const postgres::TimelineHistory& history, const pgbackrest::ArchivedFiles& archived,
                    postgres::SegmentSize size, std::uint64_t proven = 0);

/// Whether a record begins in a segment at a position or behind it. Where nothing is known of the segment's records,
/// what reads it next tells more.
bool has_record_from(const postgres::SegmentFacts& facts, postgres::Lsn position);

/// The greatest number of a segment on the way that must have been written and archived as a whole, as the repository
/// itself shows: before a fork, before a partial segment, in a backup's own WAL. A hole at the archive's end is not its
/// end.
std::uint64_t proven_segment(const postgres::TimelineHistory& history, const pgbackrest::ArchiveContent& archive,
                             const std::vector<pgbackrest::Backup>& backups, postgres::SegmentSize size);

}  // namespace patroni_pgbackrest
