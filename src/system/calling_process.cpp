#include "system/calling_process.hpp"

#include "system/process_table.hpp"
#include "system/text.hpp"

#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <system_error>
#include <unistd.h>

namespace patroni_pgbackrest::system {

namespace {

/// A process may end between opening and reading (ESRCH); the stream buffer then throws.
std::optional<std::string> read_unless_gone(const std::string& path) {
    try {
        std::ifstream file{path, std::ios::binary};
        return file ? std::optional<std::string>{std::string{std::istreambuf_iterator<char>{file}, {}}} : std::nullopt;
    } catch (const std::ios_base::failure&) {
        return std::nullopt;
    }
}

/// The strings of /proc/PID/cmdline and /proc/PID/environ, each of which ends with a zero byte.
std::optional<std::vector<std::string>> zero_terminated(const std::string& path) {
    const auto text = read_unless_gone(path);
    if (!text) {
        return std::nullopt;
    }
    std::vector<std::string> strings = split(*text, '\0');
    if (!strings.empty() && strings.back().empty()) {
        strings.pop_back();
    }
    return strings;
}

}  // namespace

std::vector<std::string> arguments_of(pid_t pid) {
    return zero_terminated(fmt::format("/proc/{}/cmdline", pid)).value_or(std::vector<std::string>{});
}

std::optional<ProcessFacts> facts_of(pid_t pid) {
    const auto status = status_of(pid);
    if (!status || status->is_zombie()) {
        return std::nullopt;
    }
    const auto arguments = zero_terminated(fmt::format("/proc/{}/cmdline", pid));
    const auto environment = zero_terminated(fmt::format("/proc/{}/environ", pid));
    std::error_code error;
    const auto directory = std::filesystem::read_symlink(fmt::format("/proc/{}/cwd", pid), error);
    if (!arguments || !environment || error) {
        return std::nullopt;
    }

    ProcessFacts facts{pid, status->parent, *arguments, {}, directory};
    for (const std::string& entry : *environment) {
        const std::size_t equals = entry.find('=');
        if (equals != std::string::npos) {
            facts.environment.emplace(entry.substr(0, equals), entry.substr(equals + 1));
        }
    }
    return facts;
}

std::vector<ProcessFacts> ancestors() {
    std::vector<ProcessFacts> all;
    for (pid_t pid = ::getppid(); pid > 0; pid = all.back().parent) {
        auto facts = facts_of(pid);
        if (!facts) {
            break;
        }
        all.push_back(std::move(*facts));
    }
    return all;
}

unsigned long long start_time_of(pid_t pid) {
    const auto status = status_of(pid);
    return status && !status->is_zombie() ? status->start_time : 0;
}

}  // namespace patroni_pgbackrest::system
