#pragma once

#include <filesystem>
#include <optional>
#include <vector>

namespace patroni_pgbackrest::system {

/// A file below these directories that a process of this machine has open for writing, be it in a container whose
/// processes are not seen here: the kernel gives no read lease on such a file (F_SETLEASE in fcntl(2)). Links are not
/// followed. None also where a file system has no leases of its own (NFS, SMB), or the file is another user's.
std::optional<std::filesystem::path> find_open_for_writing(const std::vector<std::filesystem::path>& directories);

}  // namespace patroni_pgbackrest::system
