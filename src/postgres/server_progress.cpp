#include "postgres/server_progress.hpp"

#include "process/process_tree.hpp"

#include <utility>

namespace patroni_pgbackrest::postgres {

ServerProgress::ServerProgress(pid_t root) : root_(root), last_(look()) {}

bool ServerProgress::advanced() {
    auto now = look();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.at - last_.at).count();
    const auto idle_ticks = 1 + static_cast<unsigned long long>(seconds) / 5;
    constexpr unsigned long long idle_bytes = 64 << 10;
    const bool same_processes = now.processes == last_.processes;
    if (same_processes && now.ticks <= last_.ticks + idle_ticks && now.bytes <= last_.bytes + idle_bytes) {
        return false;
    }
    last_ = std::move(now);
    return true;
}

ServerProgress::Work ServerProgress::look() const {
    Work work;
    work.at = std::chrono::steady_clock::now();
    const process::ProcessTree tree(root_);
    for (const auto& [pid, process] : tree.members()) {
        work.processes.emplace(pid, process.start_time);
        work.ticks += process.processor_ticks;
        work.bytes += system::transferred_bytes(pid);
    }
    return work;
}

}  // namespace patroni_pgbackrest::postgres
