#pragma once

#include "plan/wal_path.hpp"
#include "postgres/wal.hpp"
#include "postgres/wal_record.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace patroni_pgbackrest {

/// How far a replay is.
struct ReplayPosition {
    std::string segment;                        ///< PostgreSQL has it since a moment ago
    postgres::Lsn at;                           ///< where that begins
    std::optional<std::size_t> behind{};        ///< segments_before() it
    std::optional<postgres::WalTime> commit{};  ///< the time of a commit or an abort near its beginning
};
using OnPosition = std::function<void(const ReplayPosition&)>;

/// How many planned segments come before this one: none before the first one, all of them behind the last one. Empty
/// for what lies between them and is of another timeline.
std::optional<std::size_t> segments_before(const PlannedWal& planned, const std::string& segment,
                                           postgres::SegmentSize size);

/// Of a replay in this data directory that was given a segment; empty for a name that is none.
std::optional<ReplayPosition> position_at(const PlannedWal& planned, const std::string& segment,
                                          postgres::SegmentSize size, const std::filesystem::path& data_directory);

}  // namespace patroni_pgbackrest
