#pragma once

#include "pgbackrest/archive.hpp"
#include "postgres/timeline_history.hpp"
#include "postgres/wal.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>

namespace patroni_pgbackrest {

/// What is known on this node of restores that Patroni took over, started and gave up: they have archived timelines of
/// their own, on which nobody ever led. Names tell nothing, since another cluster may archive under the same number.
struct RejectedRuns {
    std::string system_identifier;
    pgbackrest::RejectedTimelines known;  ///< that earlier runs have left
    /// Of the last one, those that it has archived: the timelines that it has begun.
    std::map<postgres::Timeline, postgres::TimelineHistory> histories;
    /// Of these, those that may not be in the archive: only their WAL tells whose it is.
    std::set<postgres::Timeline> unproven;
    /// The SHA-1 of one of its segments, by name; empty when it is not there any more.
    std::function<std::string(const std::string&)> checksum;
};

/// Those that are in this archive as the runs have left them: the last segment there is theirs, by its content. Not
/// one from which a timeline was begun that is not rejected itself: somebody went on with it. Nor one of which the
/// repositories hold different segments: another node may have led under that number.
pgbackrest::RejectedTimelines rejected_timelines(const pgbackrest::ArchiveContent& archive, const RejectedRuns& runs);

}  // namespace patroni_pgbackrest
