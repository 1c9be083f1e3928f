#pragma once

#include "pgbackrest/command_line.hpp"
#include "pgbackrest/retry.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace patroni_pgbackrest::pgbackrest {

struct RestoreJob {
    Pgbackrest pgbackrest;
    std::filesystem::path data_directory;  ///< --pg1-path; made with mode 0700 when missing (2.33 refuses without)
    std::string backup_set;                ///< --set
    std::vector<Option> options;           ///< what the user asked for, by pgBackRest's names
    std::vector<std::filesystem::path> outside;  ///< tablespace and link targets: whatever is in them is this restore's
    std::filesystem::path lock_path,
        spool_path;  ///< our own: `restore` deletes <spool>/archive/<stanza>, also a living server's
    RetryPolicy retry;
    bool detail = false;  ///< pgBackRest's line for each file as well, at our level debug
};

/// Runs `pgbackrest restore`, with --delta when the directory already holds an interrupted restore (backup.manifest or
/// PG_VERSION); an unusable leftover is emptied first, since pgBackRest silently disables --delta there. Where only the
/// places outside hold something of it, an empty backup.manifest lets pgBackRest take them. Its output goes to our log
/// line by line. Retries what may pass; throws failure_of() for the rest.
void restore(const RestoreJob& job);

}  // namespace patroni_pgbackrest::pgbackrest
