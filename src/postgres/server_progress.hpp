#pragma once

#include <chrono>
#include <map>
#include <sys/types.h>

namespace patroni_pgbackrest::postgres {

/// Tells a server that works from one that only waits. A waiting server is not completely idle: its postmaster reads
/// postmaster.pid every minute, and the other processes wake up. That made 3 clock ticks and 250 bytes in three minutes
/// (seen on 15).
class ServerProgress {
  public:
    /// Of a postmaster, or of this program with all that it has started.
    explicit ServerProgress(pid_t root);

    /// Whether what is below it did more than that since this last returned true: a process came or
    /// went, more than 0.2 % of processor time, or more than 64 KiB read or written.
    bool advanced();

  private:
    struct Work {
        std::map<pid_t, unsigned long long> processes;  ///< and when they started
        unsigned long long ticks = 0;
        unsigned long long bytes = 0;
        std::chrono::steady_clock::time_point at;
    };
    Work look() const;

    pid_t root_;
    Work last_;
};

}  // namespace patroni_pgbackrest::postgres
