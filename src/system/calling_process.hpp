#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace patroni_pgbackrest::system {

/// What /proc tells of a living process that belongs to the same user.
struct ProcessFacts {
    pid_t pid;
    pid_t parent;
    std::vector<std::string> arguments;
    std::map<std::string, std::string> environment;
    std::filesystem::path directory;
};

/// Empty when it is gone or not ours to look at.
std::optional<ProcessFacts> facts_of(pid_t pid);
/// Its command line, or the title it gave itself; empty when it is gone or not ours to look at.
std::vector<std::string> arguments_of(pid_t pid);
/// This process's parent, its parent, and so on; the nearest first. Stops where /proc does not let us look.
std::vector<ProcessFacts> ancestors();
/// The start time of a process in clock ticks since boot (field 22 of /proc/PID/stat), which tells two processes with
/// one number apart; 0 when it is gone.
unsigned long long start_time_of(pid_t pid);

}  // namespace patroni_pgbackrest::system
