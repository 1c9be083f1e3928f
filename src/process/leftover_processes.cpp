#include "process/subprocess.hpp"
#include "system/calling_process.hpp"
#include "system/interruption.hpp"
#include "system/process_table.hpp"

#include <algorithm>
#include <csignal>
#include <unistd.h>

namespace patroni_pgbackrest::process {

namespace {

std::vector<pid_t> processes_with(const std::string& argument) {
    std::vector<pid_t> found;
    for (const auto& process : system::process_table()) {
        if (process.pid == ::getpid() || process.is_zombie()) {
            continue;
        }
        const auto arguments = system::arguments_of(process.pid);
        if (std::find(arguments.begin(), arguments.end(), argument) != arguments.end()) {
            found.push_back(process.pid);
        }
    }
    return found;
}

}  // namespace

std::size_t end_processes_with(const std::string& argument, std::chrono::milliseconds grace) {
    const auto first = processes_with(argument);
    const auto patience = std::chrono::steady_clock::now() + grace;
    for (auto left = first; !left.empty(); left = processes_with(argument)) {
        const int signal = std::chrono::steady_clock::now() < patience ? SIGTERM : SIGKILL;
        for (const pid_t pid : left) {
            ::kill(pid, signal);
        }
        interruption::sleep(std::chrono::milliseconds(50));
    }
    return first.size();
}

}  // namespace patroni_pgbackrest::process
