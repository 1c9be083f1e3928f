#pragma once

#include "pgbackrest/archive.hpp"
#include "plan/archived_wal.hpp"
#include "postgres/segment_facts.hpp"
#include "postgres/timeline_history.hpp"
#include "postgres/wal.hpp"
#include "request/target.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// How many segments a search through the WAL fetches at most: 256 MiB, but at least two of them.
std::size_t most_segments_to_search(postgres::SegmentSize size);

/// What a search found: the thing, nothing, or that it gave up.
template <typename Thing>
struct Found {
    std::optional<Thing> thing;
    bool gave_up = false;  ///< at its bound, or at a file that cannot be read

    /// Whether it may be there.
    bool is_possible() const { return thing || gave_up; }
};

using Commit = postgres::FoundAt<postgres::TransactionEnd>;

/// The timelines of an archive, as their histories and their WAL tell of them. The times are those of the records: a
/// file's time is lost when a repository is copied.
class Branches {
  public:
    Branches(const pgbackrest::ArchiveContent& archive, ArchivedWal& wal, postgres::SegmentSize size)
        : archive_(archive), wal_(wal), size_(size) {}

    /// From its history file; without one, that of a timeline without a parent.
    postgres::TimelineHistory history_of(postgres::Timeline timeline) const;
    /// When a timeline was begun, as the record says with which it begins. Where that is not in the archive, the time
    /// of the parent's last commit before the fork: not before that. Empty when nothing tells;
    /// the end of time for one that a restore to a point in the past began and that has no WAL at all.
    std::optional<postgres::WalTime> begun(postgres::Timeline timeline);
    /// The last commit of a timeline behind a position.
    Found<Commit> last_commit_behind(postgres::Timeline timeline, postgres::Lsn position);
    /// When the last commit of a timeline before a position was made; empty when a bounded search finds none.
    std::optional<postgres::WalTime> last_commit_before(postgres::Timeline timeline, postgres::Lsn position);
    /// The latest commit or abort in the newest file of the segment with a position: that of a fork begins with what
    /// the parent wrote.
    std::optional<postgres::WalTime> latest_end_at(postgres::Lsn position);
    /// Whether a timeline has commits that its parent does not have.
    bool has_commits_of_its_own(postgres::Timeline timeline);
    /// Whether nothing of a timeline but its history is in the archive: what it wrote, nobody knows.
    bool has_left_only_its_history(postgres::Timeline timeline) const;
    /// Whether the replay of a timeline would stop at a time target: its last commit, or an abort behind that, is
    /// behind it. True as well where a bounded search does not find that commit.
    bool may_stop_at(const RecoveryTarget& target, postgres::Timeline timeline);
    /// Whether the way to a timeline may have commits behind the place where another one left it. `first`: where the
    /// way begins.
    bool may_have_undone(postgres::Timeline other, postgres::Timeline first, postgres::Timeline followed);
    /// Where a timeline's WAL is on the way to the followed one no more; for one that is not on it, where that began.
    postgres::Lsn where_left(const postgres::TimelineHistory& followed, postgres::Timeline timeline) const;
    /// Whether a timeline may have a commit behind that place which was made after a moment; any commit without one.
    bool was_written_after(postgres::Timeline timeline, const postgres::TimelineHistory& followed,
                           const std::optional<postgres::WalTime>& moment);
    /// Whether a target that is not a time lies on a timeline behind a position, as far as a search of bounded cost
    /// tells.
    bool may_hold(const RecoveryTarget& target, postgres::Timeline timeline, postgres::Lsn position);

    /// The name of the segment with a position.
    std::string segment_at(postgres::Timeline timeline, postgres::Lsn position) const {
        return postgres::Segment::containing(timeline, position, size_).name(size_);
    }

  private:
    postgres::Lsn beginning_of(postgres::Timeline timeline) const;
    std::optional<postgres::Segment> last_segment(postgres::Timeline timeline) const;
    /// The archived segments of a timeline from one number down to another; stops when `look` has found something.
    template <typename Thing>
    Found<Thing> search_back(postgres::Timeline timeline, std::uint64_t from, std::uint64_t down_to,
                             const std::function<std::optional<Thing>(const std::string&)>& look);
    const postgres::SegmentFacts* facts(postgres::Timeline timeline, std::uint64_t number);
    bool reaches(postgres::Timeline timeline, postgres::Lsn lsn);

    const pgbackrest::ArchiveContent& archive_;
    ArchivedWal& wal_;
    postgres::SegmentSize size_;
};

}  // namespace patroni_pgbackrest
