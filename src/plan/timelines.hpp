#pragma once

#include "pgbackrest/archive.hpp"
#include "pgbackrest/info.hpp"
#include "postgres/wal.hpp"

#include <map>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// The timelines of which the repository holds WAL, a backup or a part of a history, but no whole history file, each
/// with what shows that it was there. Timeline 1 has no history.
std::map<postgres::Timeline, std::string> timelines_without_history(const pgbackrest::ArchiveContent& archive,
                                                                    const std::vector<pgbackrest::Backup>& backups);

/// A timeline without its history cannot be followed: PostgreSQL refuses to (13 to 18: "recovery target timeline %u
/// does not exist"). Nor can it be passed by: PostgreSQL takes the first number without a history file for its own new
/// timeline (findNewestTimeLine), and the archive has files of that name already. Throws Failure(target_not_reachable)
/// when there is such a timeline at `followed` or above it, or when that first number lies below one that is known, if
/// only from a history: a later restore would take the greater one for the newer.
void require_histories(postgres::Timeline followed, const pgbackrest::ArchiveContent& archive,
                       const std::vector<pgbackrest::Backup>& backups);

}  // namespace patroni_pgbackrest
