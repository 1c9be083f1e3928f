#pragma once

#include "postgres/wal.hpp"
#include "request/target.hpp"

#include <optional>
#include <string>

namespace patroni_pgbackrest {

/// What a restore set out for, for those who come when the plan is gone.
struct RestoreGoal {
    RecoveryTarget target{Latest{}};
    postgres::Timeline timeline;  ///< that the recovery follows
    std::string last_segment;     ///< the last one that the archive held along that timeline
    postgres::SegmentSize segment_size;
    bool checksums = false;  ///< data checksums are on in the backup
    /// Before which a replay to the latest point must not end; goals of older versions have none.
    std::optional<postgres::Lsn> wal_end{};
};

/// Where the replay ended, proven by the new timeline's history file.
struct Reached {
    postgres::Timeline timeline;  ///< the new one
    postgres::Lsn lsn;
    std::string reason;               ///< PostgreSQL's, from the history file
    std::optional<std::string> time;  ///< of the last transaction, from the log
};

}  // namespace patroni_pgbackrest
