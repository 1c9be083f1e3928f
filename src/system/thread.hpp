#pragma once

#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace patroni_pgbackrest::system {

/// Empty if the system has no thread left for us (RLIMIT_NPROC, pids.max, memory): the caller does the work itself.
template <typename Work>
std::optional<std::thread> started(Work work) {
    try {
        return std::thread(std::move(work));
    } catch (const std::system_error&) {
        return std::nullopt;
    } catch (const std::bad_alloc&) {
        return std::nullopt;
    }
}

}  // namespace patroni_pgbackrest::system
