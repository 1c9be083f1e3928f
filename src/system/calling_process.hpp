#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace patroni_pgbackrest::system {

/// What /proc says about a living process of the same user.
struct ProcessFacts {
    pid_t pid;
    pid_t parent;
    std::vector<std::string> arguments;
    std::map<std::string, std::string> environment;
    std::filesystem::path directory;
};

/// Empty when it is gone or not ours to look at.
std::optional<ProcessFacts> facts_of(pid_t pid);
/// Its command line, or the title that it gave itself; empty if it is gone or not ours to look at.
std::vector<std::string> arguments_of(pid_t pid);
/// This process's parent, that one's parent, and so on, the nearest first. Stops where /proc does not let us look.
std::vector<ProcessFacts> ancestors();
/// The start time of a process in clock ticks since boot (field 22 of /proc/PID/stat). It distinguishes two processes
/// with the same number. 0 if the process is gone.
unsigned long long start_time_of(pid_t pid);

}  // namespace patroni_pgbackrest::system
