#pragma once

namespace patroni_pgbackrest::system {

/// Processors that we can really use: the affinity mask, limited by the CPU quota of our cgroup (v1 and v2). At least
/// 1.
unsigned processors();

/// Bytes of memory that we can use without pushing other processes out: MemAvailable, limited by what our cgroup still
/// allows.
unsigned long long available_memory();

}  // namespace patroni_pgbackrest::system
