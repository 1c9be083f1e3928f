#pragma once

#include <optional>
#include <sys/types.h>
#include <vector>

namespace patroni_pgbackrest::system {

/// One line of /proc/PID/stat (proc(5)).
struct ProcessStatus {
    pid_t pid;
    char state;  ///< `Z` when it has ended and nobody has asked how yet
    pid_t parent;
    pid_t group;
    unsigned long long processor_ticks;  ///< user and system time
    unsigned long long start_time;       ///< ticks since boot; tells two processes with one number apart

    bool is_zombie() const { return state == 'Z' || state == 'X' || state == 'x'; }
};

/// Empty when there is no such process.
std::optional<ProcessStatus> status_of(pid_t pid);

/// All processes that /proc shows.
std::vector<ProcessStatus> process_table();

/// Bytes read and written through system calls; 0 where /proc does not let us look.
unsigned long long transferred_bytes(pid_t pid);

}  // namespace patroni_pgbackrest::system
