#pragma once

#include "pgbackrest/archive.hpp"
#include "pgbackrest/backup_targets.hpp"
#include "pgbackrest/info.hpp"
#include "request/request.hpp"

#include <vector>

namespace patroni_pgbackrest {

/// What the repository tells, read before a plan is made.
struct RepositoryState {
    pgbackrest::Stanza stanza;
    std::vector<pgbackrest::Archive> archives;  ///< those of the backup's cluster
    pgbackrest::ArchiveContent archive;
    std::vector<pgbackrest::BackupTarget> targets;  ///< of the backup set that choose_backup() finds
};

/// Throws Failure(preflight_refused) naming the pgbackrest program when it is not there.
void require_pgbackrest(const Request& request);

/// Reads `pgbackrest info` and the archive's listing. Throws Failure(repository_unreachable) when a repository is out
/// of reach that may hold the end of the archive, and what choose_backup() and database_of() throw.
RepositoryState read_repository(const Request& request);

}  // namespace patroni_pgbackrest
