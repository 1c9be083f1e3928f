#pragma once

#include "postgres/wal.hpp"
#include "postgres/wal_end.hpp"
#include "postgres/wal_page.hpp"
#include "postgres/wal_reader.hpp"
#include "postgres/wal_record.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::postgres {

template <typename What>
struct FoundAt {
    Lsn start, end;  ///< of the record
    What what;
};

struct TimelineSwitch {
    Timeline from, to;
    WalTime time;
};

/// What the records say that begin in one segment.
struct SegmentFacts {
    std::optional<WalPage> first_page;  ///< empty: the file is no WAL segment of PostgreSQL 13 to 18
    std::uint64_t records = 0;
    std::optional<Lsn> first_record, last_record;
    std::optional<Lsn> before_first_record;  ///< the record that the first one follows: it begins in an earlier segment
    std::optional<FoundAt<TransactionEnd>> first_commit, last_commit;  ///< in the order of the WAL
    /// Of the commits and aborts, which are what a target time is compared with. Their order in the WAL is not strictly
    /// that of their times.
    std::optional<WalTime> latest_transaction_end;
    std::optional<FoundAt<Checkpoint>> last_checkpoint;
    std::vector<FoundAt<TimelineSwitch>> timeline_switches;
    std::vector<FoundAt<RestorePoint>> restore_points;
    std::vector<FoundAt<ParameterChange>> parameter_changes;
    std::vector<FoundAt<TablespaceCreated>> tablespaces_created;
    std::vector<FoundAt<TablespaceDropped>> tablespaces_dropped;
    std::optional<Lsn> unknown_layout;  ///< the first record that should be one of the above and is not
    bool switched = false;              ///< ends with a segment switch
    /// Empty when all records are valid to the segment's end. A last record that goes on in a segment which is not at
    /// hand is an end as well: `no_segment`, `inside_record`.
    std::optional<WalEnd> end;
};

/// One pass over the records that begin in a segment. Without `bring_next` the last of them is not told when it goes on
/// in the next segment. `bring_next` is called only for that, when nobody looks at `bytes` any more.
SegmentFacts facts_of_segment(std::uint64_t number, std::string_view bytes, const WalReader::Expected& expected,
                              const WalReader::BringSegment& bring_next = {});

}  // namespace patroni_pgbackrest::postgres
