#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

/// What /proc tells of processes (proc(5)). Any of them may end while it is looked at.
namespace patroni_pgbackrest::system {

/// One line of /proc/PID/stat, which everybody may read.
struct ProcessStatus {
    pid_t pid;
    char state;  ///< `Z` when it has ended and nobody has asked how yet; `T` when it is stopped, `t` by a debugger
    pid_t parent;
    pid_t group;
    unsigned long long processor_ticks;  ///< user and system time
    unsigned long long start_time;       ///< ticks since boot; tells two processes with one number apart

    bool is_zombie() const { return state == 'Z' || state == 'X' || state == 'x'; }
    bool is_stopped() const { return state == 'T' || state == 't'; }
};

/// Empty when there is no such process.
std::optional<ProcessStatus> status_of(pid_t pid);
/// The same. Throws as process_table() where it would be empty only because nobody can look.
std::optional<ProcessStatus> status_or_throw(pid_t pid);
/// All processes that /proc shows. Throws Failure(system_refused) rather than leave one out for want of descriptors or
/// memory.
std::vector<ProcessStatus> process_table();
/// ProcessStatus::start_time of a living process; 0 when it is gone or a zombie.
unsigned long long start_time_of(pid_t pid);
/// Whether a process of this number and start time lives; for want of descriptors or memory to look, whether one of
/// this number is there.
bool may_be_running(pid_t pid, unsigned long long start_time);

/// Bytes read and written through system calls; 0 where /proc does not let us look.
unsigned long long transferred_bytes(pid_t pid);
/// Bytes that it had read from disks, and written to them, with those of the children that it has reaped; empty where
/// /proc does not let us look.
std::optional<unsigned long long> disk_bytes(pid_t pid);
/// Its command line, or the title it gave itself; empty when it is gone or not ours to look at.
std::vector<std::string> arguments_of(pid_t pid);
/// The same. Throws as process_table() where it would be empty only because nobody can look.
std::vector<std::string> arguments_or_throw(pid_t pid);

/// What /proc tells only of a living process that belongs to the same user.
struct ProcessFacts {
    pid_t pid;
    pid_t parent;
    std::vector<std::string> arguments;
    std::map<std::string, std::string> environment;
    std::filesystem::path directory;
};

/// Empty when it is gone or not ours to look at. Throws as process_table().
std::optional<ProcessFacts> facts_of(pid_t pid);
/// This process's parent, its parent, and so on; the nearest first. Stops where /proc does not let us look.
/// Throws as process_table().
std::vector<ProcessFacts> ancestors();

}  // namespace patroni_pgbackrest::system
