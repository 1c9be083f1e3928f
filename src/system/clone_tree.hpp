#pragma once

#include <filesystem>

namespace patroni_pgbackrest::system {

/// Whether files of this directory's file system can share their blocks until one of them is written to: tried on XFS
/// and Btrfs, with two small files without a name. False for whatever else goes wrong in that.
bool can_clone(const std::filesystem::path& directory);

/// Makes `to`, which must not be there yet, the same tree as `from`: its files share their blocks, and files,
/// directories and symbolic links have the owners, modes and times of the original, as take_over_nodatacow() makes it.
/// Nobody may write to that meanwhile. What is written already is not written again, and nothing is flushed. Throws
/// Failure(system_refused) naming the file, where the file system cannot do it or holds something else than these
/// three, and leaves a part of it then. Stops when interrupted.
void clone_tree(const std::filesystem::path& from, const std::filesystem::path& to);

/// What is made in the directory `to` from now on is changed in place (chattr +C, Btrfs) where that is so in `from`,
/// and not where it is not. Nothing where one of them is not there, or the file system does not know it.
void take_over_nodatacow(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace patroni_pgbackrest::system
