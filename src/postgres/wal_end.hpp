#pragma once

#include "postgres/wal.hpp"

#include <string>

namespace patroni_pgbackrest::postgres {

/// Why no further record could be read.
enum class WalEndReason {
    zeros,           ///< nothing was written there: the ordinary end of WAL
    no_segment,      ///< the caller has no such segment
    short_segment,   ///< the segment has fewer bytes than it should
    not_a_page,      ///< no page header of the same major version
    other_cluster,   ///< the file has another system identifier or segment size
    other_place,     ///< the page has another address: a recycled segment, or a file under a wrong name
    other_timeline,  ///< the page has an earlier timeline than the one before, or a later one than it may have
    broken_record,   ///< a page does not go on with the record that has begun, or goes on with one that has not
    wrong_length,    ///< too short for a record, or too long
    wrong_previous,  ///< the record does not follow the last one: what was there before the segment was used again
    wrong_checksum,
};

struct WalEnd {
    WalEndReason reason = WalEndReason::zeros;
    Lsn valid_until{};  ///< where the last valid record ends, and the next would begin
    Lsn at{};           ///< the page or the record where the reason lies
    /// A record begins at `valid_until` and its rest is not there. Where a server crashed that is ordinary as well.
    bool inside_record = false;
    /// Behind that place the segment has more of the same stream: no ordinary end, something is damaged or was lost.
    bool more_behind = false;

    bool operator==(const WalEnd&) const = default;
    /// For a message: `the record at 0/1528B10 has a wrong checksum`.
    std::string text() const;
};

}  // namespace patroni_pgbackrest::postgres
