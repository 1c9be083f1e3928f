#pragma once

#include "postgres/wal.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::postgres {

/// A segment's file.
struct SegmentFile {
    Segment segment;
    std::string_view bytes;
};

/// The absolute paths of the tablespaces that records in this segment make, also those of records that began in the
/// segment before it, whose bytes may be empty when they are not there. No record is read where no record of that kind
/// can be: a look at a segment of 16 MB takes a few milliseconds.
std::vector<std::string> tablespaces_made(std::string_view before, const SegmentFile& file, SegmentSize size);

}  // namespace patroni_pgbackrest::postgres
