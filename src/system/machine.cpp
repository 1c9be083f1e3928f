#include "system/machine.hpp"

#include "system/control_group.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <fstream>
#include <sched.h>
#include <string>
#include <thread>

namespace patroni_pgbackrest::system {

namespace {

/// The affinity mask, in a size that suits the kernel: a fixed cpu_set_t ends at 1024 processors.
unsigned processors_in_affinity_mask() {
    for (int size = CPU_SETSIZE; size <= 1 << 16; size *= 2) {
        cpu_set_t* set = CPU_ALLOC(size);
        const bool read = ::sched_getaffinity(0, CPU_ALLOC_SIZE(size), set) == 0;
        const int count = read ? CPU_COUNT_S(CPU_ALLOC_SIZE(size), set) : 0;
        CPU_FREE(set);
        if (count > 0) {
            return static_cast<unsigned>(count);
        }
    }
    return std::max(1U, std::thread::hardware_concurrency());
}

unsigned long long memory_available_to_all() {
    std::ifstream file("/proc/meminfo");
    std::string name, unit;
    unsigned long long kibibytes = 0;
    while (file >> name >> kibibytes && std::getline(file, unit)) {
        if (name == "MemAvailable:") {
            return kibibytes * 1024;
        }
    }
    return 0;
}

}  // namespace

unsigned processors() {
    unsigned count = processors_in_affinity_mask();
    if (const auto quota = control_group_limits().processors) {
        count = std::min(count, static_cast<unsigned>(std::ceil(std::min(*quota, 65536.0))));
    }
    return std::max(1U, count);
}

std::string boot_id() {
    return std::string(trim(read_file_if_present("/proc/sys/kernel/random/boot_id").value_or("")));
}

Uptime Uptime::now() {
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return {boot_id(), time.tv_sec};
}

std::optional<std::int64_t> Uptime::seconds_since(const Uptime& earlier) const {
    return boot.empty() || boot != earlier.boot ? std::nullopt : std::optional(seconds - earlier.seconds);
}

unsigned long long available_memory() {
    const unsigned long long all = memory_available_to_all();
    const auto left = control_group_limits().memory_left;
    return left ? std::min(all, *left) : all;
}

}  // namespace patroni_pgbackrest::system
