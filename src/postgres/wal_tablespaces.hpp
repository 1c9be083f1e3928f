#pragma once

#include "postgres/wal.hpp"
#include "postgres/wal_record.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::postgres {

/// A segment's file.
struct SegmentFile {
    Segment segment;
    std::string_view bytes;
};

/// Whether a replay ends with this record.
using EndsReplay = std::function<bool(const WalRecord& record, const WalEvent& event)>;

/// The absolute paths of the tablespaces that records in this segment make, also those of records that began in the
/// segment before it, whose bytes may be empty when they are not there; none behind a record of either with which the
/// replay ends. No record is read where no record of that kind can be: a look at a segment of 16 MB takes a few
/// milliseconds.
std::vector<std::string> tablespaces_made(std::string_view before, const SegmentFile& file, SegmentSize size,
                                          const EndsReplay& ends_replay = {});

}  // namespace patroni_pgbackrest::postgres
