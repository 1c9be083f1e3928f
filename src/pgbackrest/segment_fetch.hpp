#pragma once

#include "pgbackrest/archive.hpp"
#include "pgbackrest/command_line.hpp"
#include "pgbackrest/retry.hpp"
#include "postgres/wal.hpp"

#include <optional>
#include <string>

namespace patroni_pgbackrest::pgbackrest {

/// The bytes of a segment, or of a partial one, decrypted by repo-get and decompressed. Throws as failure_of(), and
/// Failure(pgbackrest_failed), lasting, when the file is damaged.
std::string fetch_segment(const Pgbackrest& pgbackrest, const ArchivedFile& file, postgres::SegmentSize size,
                          const RetryPolicy& retry = {});

/// How long the segments of its cluster are, from a segment's first page; empty when that is none of PostgreSQL 13 to
/// 18. Throws as fetch_segment().
std::optional<postgres::SegmentSize> segment_size_in(const Pgbackrest& pgbackrest, const ArchivedFile& file,
                                                     const RetryPolicy& retry = {});

}  // namespace patroni_pgbackrest::pgbackrest
