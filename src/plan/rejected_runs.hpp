#pragma once

#include "pgbackrest/archive.hpp"
#include "postgres/wal.hpp"

#include <set>
#include <string>

namespace patroni_pgbackrest {

/// What is known on this node of restores that Patroni took over, started and gave up: they have archived timelines of
/// their own, on which nobody ever led.
struct RejectedRuns {
    std::string system_identifier;
    std::set<postgres::Timeline> known;  ///< that earlier runs have left
    postgres::Timeline followed;         ///< by the last one: a greater number may be its own
    std::set<std::string> archived;      ///< what the last one has archived: the names of segments and histories
};

/// Their timelines in this archive. A number that another node's cluster has taken is not among them: of that one the
/// archive has a newer segment than the rejected run's (pgBackRest takes no second file of one name, [045]). Neither is
/// one from which a timeline was begun that is not rejected itself: somebody went on with it.
std::set<postgres::Timeline> rejected_timelines(const pgbackrest::ArchiveContent& archive, const RejectedRuns& runs);

}  // namespace patroni_pgbackrest
