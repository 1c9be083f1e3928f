#pragma once

#include "pgbackrest/archive.hpp"
#include "pgbackrest/backup_targets.hpp"
#include "pgbackrest/info.hpp"
#include "plan/archived_wal.hpp"
#include "plan/clusters.hpp"
#include "plan/other_repositories.hpp"
#include "plan/rejected_runs.hpp"
#include "request/request.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace patroni_pgbackrest {

/// What the repository tells, read before a plan is made.
struct RepositoryState {
    pgbackrest::Stanza stanza;  ///< with one cluster in it, and its segments' size
    pgbackrest::ArchiveContent archive;
    std::shared_ptr<ArchivedWal> wal;                ///< of that archive
    std::optional<pgbackrest::Backup> found_backup;  ///< with a look at the archive; see backup_of()
    std::vector<pgbackrest::BackupTarget> targets;   ///< of backup_of()
    std::vector<ArchiveElsewhere> elsewhere{};       ///< in the repositories that `repo` leaves out
};

/// The backup set that is found already, else what choose_backup() says, and throws.
pgbackrest::Backup backup_of(const Request& request, const RepositoryState& repository);

/// Throws Failure(preflight_refused) naming the pgbackrest program when it is not there.
void require_pgbackrest(const Request& request);

/// With a repository out of reach, or without the stanza, nobody knows where the archive ends, and the ones that are
/// left may lag behind. Throws Failure(repository_unreachable) for it, unless the request names a repository.
void require_whole_archive(const Request& request, const pgbackrest::Stanza& stanza);

/// `pgbackrest info`. Throws what require_whole_archive() and pgbackrest::info() throw.
pgbackrest::Stanza read_stanza(const Request& request);

/// The archive's listing, and where the backup set has tablespaces and links. A set that was made on a rejected
/// timeline is passed over as sets_on_rejected() says, with a warning. Throws what choose_backup(), choose_instead_of()
/// and find_backup_before_target() throw.
RepositoryState read_repository(const Request& request, const pgbackrest::Stanza& stanza, const SettledCluster& settled,
                                const RejectedRuns& rejected = {});
/// All of it: read_stanza(), settle_cluster() and the rest.
RepositoryState read_repository(const Request& request, const RejectedRuns& rejected = {});

}  // namespace patroni_pgbackrest
