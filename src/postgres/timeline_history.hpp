#pragma once

#include "postgres/wal.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::postgres {

/// One line of a history file: `parent` was left at `at`.
struct TimelineFork {
    Timeline parent;
    Lsn at;
    std::string reason;  ///< PostgreSQL never translates it: `before 2026-…`, `at restore point "x"`, `no recovery
                         ///< target specified`
};

/// Whether both say the same, whatever the reason that they give.
bool is_same_place(const TimelineFork& one, const TimelineFork& other);

/// The ancestry of a timeline, oldest fork first; empty for a timeline without a parent.
struct TimelineHistory {
    Timeline timeline;
    std::vector<TimelineFork> forks;

    /// Throws Failure(target_not_reachable) that names the file and the line if it is not a history file. Parsed as in
    /// PostgreSQL's timeline.c: parents must ascend and stay below the child.
    static TimelineHistory parse(Timeline timeline, std::string_view text);

    /// The same past, without what never happened. A replay that ends before a fork of the timeline it follows writes
    /// that timeline as the parent of the new one all the same (writeTimeLineHistory), at an earlier place than that
    /// fork: then the forks descend, and the timelines between have no WAL in this past.
    TimelineHistory as_it_happened() const;
    /// What the last fork was a child of, as_it_happened(). Only where there is a fork.
    TimelineHistory before_last_fork() const;

    /// `3, from 1 at 0/5000000, from 2 at 0/7000000`, without the reasons.
    std::string text() const;

    /// Where `ancestor` was left for its child on this line. Empty if it is not on the line, or is the timeline itself.
    const TimelineFork* fork_from(Timeline ancestor) const;
    /// The first of its forks that `other` tells differently, or the last one when `other` goes on behind it. Empty
    /// when both tell the same past, whatever their reasons.
    const TimelineFork* fork_unlike(const TimelineHistory& other) const;
    /// Whether WAL of `candidate` at `lsn` is part of this timeline's past, or on the timeline itself.
    bool contains(Timeline candidate, Lsn lsn) const;
};

}  // namespace patroni_pgbackrest::postgres
