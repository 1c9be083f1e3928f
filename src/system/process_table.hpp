#pragma once

#include <optional>
#include <sys/types.h>
#include <vector>

namespace patroni_pgbackrest::system {

/// One line of /proc/PID/stat (proc(5)).
struct ProcessStatus {
    pid_t pid;
    char state;  ///< `Z` if it has ended and nobody has waited for it yet
    pid_t parent;
    pid_t group;
    unsigned long long processor_ticks;  ///< user and system time
    unsigned long long start_time;       ///< ticks since boot; distinguishes two processes with the same number

    bool is_zombie() const { return state == 'Z' || state == 'X' || state == 'x'; }
};

/// Empty if there is no such process.
std::optional<ProcessStatus> status_of(pid_t pid);

/// All processes that /proc shows.
std::vector<ProcessStatus> process_table();

/// Bytes read and written through system calls; 0 if /proc does not let us look.
unsigned long long transferred_bytes(pid_t pid);

}  // namespace patroni_pgbackrest::system
