#pragma once

#include "pgbackrest/command_line.hpp"
#include "pgbackrest/retry.hpp"
#include "postgres/wal.hpp"
#include "system/failure.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::pgbackrest {

struct Backup {
    std::string label;     ///< `20261122-072841F_20261122-080000D`
    std::string type;      ///< full, diff, incr
    unsigned repository;   ///< its key, 1 for repo1
    unsigned database_id;  ///< the stanza's database history id
    std::int64_t started;  ///< seconds since the epoch
    std::int64_t stopped;
    std::optional<postgres::Lsn> lsn_start, lsn_stop;  ///< absent in backups of old versions, and in the output of 2.33
    std::string archive_start, archive_stop;           ///< segment names; empty for an offline backup
    bool in_error = false;                             ///< pages with bad checksums were found; unknown with 2.33
    std::uint64_t size = 0;                            ///< bytes in the data directory
};

struct Database {
    unsigned id;
    unsigned repository;
    std::string system_identifier;
    std::string version;  ///< `15`
};

/// One archive id (`15-1`) of one repository.
struct Archive {
    std::string id;
    unsigned repository;
    unsigned database_id;
    std::string last{};  ///< the greatest segment name in it; empty when it holds none
};

struct RepositoryStatus {
    static constexpr int missing_path = 1;   ///< of the stanza
    static constexpr int missing_data = 3;   ///< of the stanza
    static constexpr int out_of_reach = 99;  ///< or any other error, which is in the message

    unsigned key;
    int code;  ///< one of these, 0 ok, 2 no valid backups
    std::string message;
    std::string cipher{};  ///< `none`, `aes-256-cbc`

    /// So does a file system that is not mounted.
    static constexpr bool lacks_stanza(int status) { return status == missing_path || status == missing_data; }
};

struct Stanza {
    std::string name;
    int status_code = 0;  ///< 0 ok, 4 different across repositories, 5 database mismatch across them, others as above
    std::string status_message;
    std::vector<RepositoryStatus> repositories;
    std::vector<Database> databases;
    std::vector<Archive> archives;
    std::vector<Backup> backups;           ///< oldest first
    postgres::SegmentSize segment_size{};  ///< of backups that do not tell it themselves
};

/// The sizes of a segment that a backup's start and end leave, which are given both as an LSN and as a segment name:
/// one most of the time, all of them for a backup within the first segment behind a multiple of 4 GiB. Empty without an
/// LSN.
std::vector<postgres::SegmentSize> possible_segment_sizes(const Backup& backup);

/// The one that they leave; empty when there are several, or none.
std::optional<postgres::SegmentSize> segment_size_of(const Backup& backup);

/// Reads `backup-lsn-start` and `backup-lsn-stop` from a backup.manifest; pgBackRest before 2.36 has them nowhere else.
void take_positions(std::string_view manifest, Backup& backup);

/// `pgbackrest info --output=json` of one stanza, pgBackRest 2.33 and later. A stanza that is not listed has status 1.
/// Throws Failure(repository_unreachable) if the text is not such JSON.
Stanza parse_info(std::string_view json, const std::string& stanza);

/// Why nothing can be restored from it, as info() throws it; empty if there is a backup.
std::optional<Failure> why_not_restorable(const Stanza& stanza);

/// Runs it and retries errors that may pass. Refuses a stanza that cannot be restored from: missing, or without a valid
/// backup (target_not_reachable), cipher (pgbackrest_failed), unreachable repository (repository_unreachable). If one
/// repository is broken and another has backups, it only logs a warning. `repository` restricts it to one.
Stanza info(const Pgbackrest& pgbackrest, std::optional<unsigned> repository, const RetryPolicy& retry = {});

}  // namespace patroni_pgbackrest::pgbackrest
