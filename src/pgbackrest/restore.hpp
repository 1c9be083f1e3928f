#pragma once

#include "pgbackrest/command_line.hpp"
#include "pgbackrest/retry.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest::pgbackrest {

struct RestoreJob {
    Pgbackrest pgbackrest;
    std::filesystem::path data_directory;        ///< --pg1-path; made with mode 0700 if missing (2.33 requires it)
    std::string backup_set;                      ///< --set
    std::vector<Option> options;                 ///< the user's options, with pgBackRest's names
    std::vector<std::filesystem::path> outside;  ///< tablespace and link targets: everything in them is this restore's
    std::vector<std::filesystem::path> tablespaces;
    std::vector<std::filesystem::path> linked_directories;  ///< made if absent, so that it writes in them only
    std::function<void()> when_places_are_made;             ///< called before pgBackRest writes anything; may be empty
    std::filesystem::path lock_path,
        spool_path;  ///< our own: `restore` deletes <spool>/archive/<stanza>, even that of a live server
    RetryPolicy retry;
    bool flushes = true;  ///< each file, as pgBackRest does; false where why_it_flushes() is empty
    bool detail = false;  ///< also log pgBackRest's line for each file, at our level debug
    /// How far the copy is, in percent of the backup's bytes, as often as pgBackRest tells; may be empty.
    std::function<void(double percent)> on_progress;
};

/// Lets pgBackRest read the options of this restore, for a data directory that is missing: it ends there, before it
/// looks at the repository (restorePathValidate, 2.33 to 2.60). Throws failure_of() if it refuses an option, and
/// Failure(usage) as restore().
void read_options(RestoreJob job);

/// Why pgBackRest flushes each file of this restore; empty where nothing asks for that, and the kernel keeps it from
/// it.
std::optional<std::string> why_it_flushes(const RestoreJob& job);

/// Runs `pgbackrest restore`. Adds --delta if the directory already holds an interrupted restore (backup.manifest or
/// PG_VERSION). Otherwise empties what is left there, because pgBackRest silently disables --delta in that case. If
/// only the places outside hold a part of the restore, an empty backup.manifest makes pgBackRest accept them. It can
/// write nowhere but in the job's directories and working_places(). Where the job says that it flushes nothing, none of
/// it is on disk for certain before sync_to_disk(). Its output goes to our log line by line. Retries errors that may
/// pass; throws failure_of() for the rest, Failure(system_refused) for directories, Failure(usage) before the copy
/// where an option is in force that is not the job's (option_not_passed()). After a write or a flush that failed
/// --delta compares what is on the disk: see system::forget_cached().
void restore(const RestoreJob& job);

}  // namespace patroni_pgbackrest::pgbackrest
