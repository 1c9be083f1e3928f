#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace patroni_pgbackrest::system {

/// Processors that we can really use: the affinity mask, limited by the CPU quota of our cgroup (v1 and v2). At least
/// 1.
unsigned processors();

/// Bytes of memory that we can use without pushing other processes out: MemAvailable, limited by what our cgroup still
/// allows.
unsigned long long available_memory();

/// How long the machine has been up, suspended time included: a clock that nobody sets.
struct Uptime {
    std::string boot;  ///< the kernel's boot id; empty where it does not tell
    std::int64_t seconds = 0;

    static Uptime now();
    /// Empty when the machine was booted in between, or that is not known.
    std::optional<std::int64_t> seconds_since(const Uptime& earlier) const;
};
/// Empty where the kernel does not tell.
std::string boot_id();

}  // namespace patroni_pgbackrest::system
