#pragma once

namespace patroni_pgbackrest::system {

/// Processors that are really ours: the affinity mask, bounded by the CPU quota of our cgroup (v1 and v2). At least 1.
unsigned processors();

/// Bytes of memory we may use without pushing anybody out: MemAvailable, bounded by what our cgroup still allows.
unsigned long long available_memory();

}  // namespace patroni_pgbackrest::system
