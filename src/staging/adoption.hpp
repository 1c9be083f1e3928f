#pragma once

#include "plan/plan.hpp"
#include "staging/staging.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// Makes the directory that Patroni set aside the staging directory again, as an interrupted copy with the journal of
/// its hand-over. Tablespaces and pg_wal that Patroni renamed with it get their names back. Throws Failure(unsafe),
/// also when a server runs in it or has one of its places, or a file has another name elsewhere, and leaves the journal
/// as it is, when that cannot be. The rejected timelines are written down first: what shows which they are is in that
/// directory, and is copied over.
void take_back(StagingDirectory& staging, const std::filesystem::path& directory, const Plan& plan);

/// The same with a directory that the request names (reuse-data): it must be of the same cluster, on the same file
/// system, and no server may run in it. `outside` are the restore's own places; those that its links lead to must be
/// named in `options` (tablespace-map, link-map), and be no server's: the directory may be a copy of a living one's,
/// whose links the copy has as well. No file of it may have another name elsewhere. Throws Failure(unsafe).
void reuse(StagingDirectory& staging, const std::filesystem::path& directory, const Plan& plan,
           const std::vector<std::filesystem::path>& outside, const std::vector<pgbackrest::Option>& options);

/// Patroni renames tablespaces and a linked pg_wal with the data directory, and lets the links follow: those of
/// `places` get their names back. Throws Failure(unsafe), before anything is touched, when one of the names is taken.
void give_names_back(const std::filesystem::path& data_directory, const std::vector<std::string>& places);

}  // namespace patroni_pgbackrest
