#pragma once

#include "pgbackrest/archive.hpp"
#include "plan/archived_wal.hpp"
#include "plan/branches.hpp"
#include "plan/wal_path.hpp"
#include "postgres/wal.hpp"

#include <optional>
#include <string>

namespace patroni_pgbackrest {

struct Plan;

/// The last commit on the way.
struct LastCommit {
    postgres::Lsn at;  ///< where its record begins: a replay to this LSN has it
    std::string segment;
    /// The latest commit or abort in that segment, to which a target time is compared.
    postgres::WalTime latest_end;

    /// `last commit at 2026-11-22 08:30:00+00 (LSN 0/5000028, WAL segment 000000010000000000000005)`
    std::string text() const;
};

struct LastEnds {
    Found<LastCommit> commit;
    postgres::WalTime latest{};  ///< of the commits and aborts on the way back to it; zero: there is none
};

/// Searches backwards from the last planned segment. What cannot be read is passed over with a warning.
LastEnds find_last_ends(const PlannedWal& planned, const pgbackrest::ArchiveContent& archive, ArchivedWal& wal,
                        postgres::SegmentSize size);

/// Where the WAL of a plan to the latest point ends in its last segment, when that is not full: a segment that was
/// saved from a dead primary goes on with zeros, or with what an older segment left there. Where the last record begins
/// in an earlier segment and does not end, it is that record's beginning. Empty when the last segment is full.
/// Throws Failure(replay_failed), lasting, when more of the same WAL lies behind that place: a record is damaged. So it
/// does when that is so of a record that goes on into the last segment.
std::optional<postgres::Lsn> end_in_last_segment(const Plan& plan, ArchivedWal& wal);

/// A standby that is promoted archives its parent's last segment as `….partial`, which is never replayed. Throws
/// Failure(target_not_reachable) when the followed timeline goes on in such a file and nowhere else.
void refuse_end_in_partial(const Plan& plan, const pgbackrest::ArchiveContent& archive, ArchivedWal& wal,
                           const pgbackrest::Pgbackrest& pgbackrest);

/// Whether all that a partial segment holds is the checkpoint with which its server ended.
bool holds_nothing_but_a_shutdown(const postgres::SegmentFacts& facts);

/// What to do with a partial segment, for a hint. By archive-push: repo-put is no command any more from 2.60 on.
std::string bring_in_partial(const pgbackrest::ArchivedFile& partial, const pgbackrest::Pgbackrest& pgbackrest);

}  // namespace patroni_pgbackrest
