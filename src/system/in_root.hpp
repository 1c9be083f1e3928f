#pragma once

#include <filesystem>

namespace patroni_pgbackrest::system {

enum class LeadsThere { yes, no, unknown };

/// Whether `path` leads to our `place` for a process whose root directory is `root` (/proc/PID/root of a container's):
/// an absolute link on the way begins at that root again, where stat() of a path below /proc/PID/root goes on in our
/// own. Unknown where openat2 cannot be called: before Linux 5.6, or behind a filter that does not know it. Throws
/// Failure(system_refused) for want of descriptors or memory.
LeadsThere leads_there_in(const std::filesystem::path& root, const std::filesystem::path& path,
                          const std::filesystem::path& place);

}  // namespace patroni_pgbackrest::system
