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
    std::optional<postgres::Lsn> lsn_start, lsn_stop;  ///< absent in backups of old versions, and in what 2.33 says
    std::string archive_start, archive_stop;           ///< segment names; empty for an offline backup
    bool in_error = false;                             ///< pages with bad checksums were found; 2.33 does not say
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
    unsigned key;
    int code;  ///< 0 ok, 1 missing stanza path, 2 no valid backups, 3 missing stanza data, 99 other (an error, in
               ///< message)
    std::string message;
    std::string cipher{};  ///< `none`, `aes-256-cbc`
};

struct Stanza {
    std::string name;
    int status_code = 0;  ///< 0 ok, 4 different across repositories, 5 database mismatch across them, others as above
    std::string status_message;
    std::vector<RepositoryStatus> repositories;
    std::vector<Database> databases;
    std::vector<Archive> archives;
    std::vector<Backup> backups;  ///< oldest first
    postgres::SegmentSize segment_size{};
};

/// From a backup's start, which is given both as an LSN and as a segment's name. Empty without an LSN.
std::optional<postgres::SegmentSize> segment_size_of(const Backup& backup);

/// Takes `backup-lsn-start` and `backup-lsn-stop` out of a backup.manifest; pgBackRest before 2.36 tells them nowhere
/// else.
void take_positions(std::string_view manifest, Backup& backup);

/// `pgbackrest info --output=json` of one stanza, pgBackRest 2.33 and later. A stanza that is not in it has status 1.
/// Throws Failure(repository_unreachable) on what is no such JSON.
Stanza parse_info(std::string_view json, const std::string& stanza);

/// The reason why nothing can be restored from it, as info() throws it; empty when there is a backup.
std::optional<Failure> why_not_restorable(const Stanza& stanza);

/// Runs it, with retries for what may pass, and refuses a stanza that cannot be restored from: missing, no valid
/// backup (target_not_reachable), cipher (pgbackrest_failed), unreachable repository (repository_unreachable). A
/// repository that is broken while another holds backups is a warning in the log.
/// `repository` restricts it to one.
Stanza info(const Pgbackrest& pgbackrest, std::optional<unsigned> repository, const RetryPolicy& retry = {});

}  // namespace patroni_pgbackrest::pgbackrest
