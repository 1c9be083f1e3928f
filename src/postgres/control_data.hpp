#pragma once

#include "postgres/wal.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace patroni_pgbackrest::postgres {

/// DBState of pg_control.h, in its order: pg_control holds the number.
enum class ClusterState : std::int32_t {
    starting_up,
    shut_down,
    shut_down_in_recovery,
    shutting_down,
    in_crash_recovery,
    in_archive_recovery,
    in_production,
};

/// What pg_controldata prints.
struct ControlData {
    std::string system_identifier;
    ClusterState state = ClusterState::starting_up;
    std::string state_text;
    Timeline timeline;  ///< of the latest checkpoint
    Lsn redo;
    std::string wal_level;
    bool wal_log_hints = false;
    bool track_commit_timestamp = false;
    int max_connections = 0;
    int max_worker_processes = 0;
    int max_wal_senders = 0;
    int max_prepared_transactions = 0;
    int max_locks_per_transaction = 0;
    SegmentSize segment_size;
    unsigned checksum_version = 0;

    /// The parameters, by name, that must be at least as high on a server that replays its WAL.
    std::map<std::string, int> limits() const;
    /// To at least these, by the same names.
    void raise_limits(const std::map<std::string, int>& least);

    /// From pg_controldata's untranslated output, PostgreSQL 13 to 18. Throws Failure(verification_failed) that names
    /// the missing line.
    static ControlData parse(std::string_view output);
};

/// Runs `bin_directory/pg_controldata` with LC_ALL=C. If it fails, throws Failure(verification_failed) with its words.
ControlData read_control_data(const std::filesystem::path& bin_directory, const std::filesystem::path& data_directory);

/// The part of global/pg_control that is read directly: where there is no program of the right version, or where
/// starting one for every WAL segment would cost more than the segment.
struct ControlFile {
    std::string system_identifier;
    ClusterState state = ClusterState::starting_up;
    std::int64_t written_at = 0;  ///< seconds since 1970
    Timeline timeline;            ///< of the latest checkpoint
    Lsn redo;                     ///< from where a start would replay
};

/// Empty when there is no pg_control, when this user may not read it, when it is cut short, and when its
/// pg_control_version is none of those known (1300, 1700, 1800, 1902: PostgreSQL 13 to 19). To a caller all of these
/// say: not known to be a cluster of ours. So a newer PostgreSQL, one before 13, or a file of a machine with another
/// byte order is never misread. The checksum is not looked at; read_control_data() does that. Throws
/// Failure(system_refused) for a fault that may pass.
std::optional<ControlFile> read_control_file(const std::filesystem::path& data_directory);

}  // namespace patroni_pgbackrest::postgres
