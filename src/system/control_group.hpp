#pragma once

#include <filesystem>
#include <optional>

namespace patroni_pgbackrest::system {

/// What the control groups of a process still allow; empty if nothing limits it.
struct ControlGroupLimits {
    std::optional<double> processors;
    std::optional<unsigned long long> memory_left;  ///< bytes; page cache that can be dropped counts as free
};

/// Reads `root`/proc/self/cgroup and `root`/sys/fs/cgroup, versions 1, 2 and both at once. The tightest limit of our
/// group and its parents counts. In a container, /proc may name the host's path while /sys/fs/cgroup shows our own
/// group as its top; paths that do not exist there are skipped.
ControlGroupLimits control_group_limits(const std::filesystem::path& root = "/");

}  // namespace patroni_pgbackrest::system
