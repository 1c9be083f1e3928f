#include "system/process_facts.hpp"

#include "system/descriptor.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace patroni_pgbackrest::system {

namespace {

std::string path_of(pid_t pid, std::string_view name) {
    return fmt::format("/proc/{}/{}", pid, name);
}

/// Empty when the process is gone, also between opening and reading (ESRCH), or not ours to look at. Throws for want of
/// descriptors or memory: it may well be there then.
std::optional<std::string> read_or_throw(pid_t pid, std::string_view name) {
    const auto path = path_of(pid, name);
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text;
    std::array<char, 4096> buffer;
    while (true) {
        const ssize_t length = file.is_open() ? ::read(file.number(), buffer.data(), buffer.size()) : -1;
        if (length < 0 && is_passing_fault(errno)) {
            throw refused("read", path, errno);
        }
        if (length < 0) {
            return std::nullopt;
        }
        if (length == 0) {
            return text;
        }
        text.append(buffer.data(), static_cast<std::size_t>(length));
    }
}

/// For what may be missing: empty in that case, too.
std::optional<std::string> read(pid_t pid, std::string_view name) {
    try {
        return read_or_throw(pid, name);
    } catch (const Failure&) {
        return std::nullopt;
    }
}

/// The strings of `cmdline` and `environ`, each of which ends with a zero byte.
std::optional<std::vector<std::string>> zero_terminated(const std::optional<std::string>& text) {
    if (!text) {
        return std::nullopt;
    }
    auto strings = split(*text, '\0');
    if (!strings.empty() && strings.back().empty()) {
        strings.pop_back();
    }
    return strings;
}

std::optional<ProcessStatus> status_in(pid_t pid, const std::string& text) {
    // The second field is the program's name in parentheses and may hold spaces and parentheses itself.
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string::npos) {
        return std::nullopt;
    }
    const auto fields = split(trim(std::string_view(text).substr(name_end + 1)), ' ');
    if (fields.size() < 20) {
        return std::nullopt;
    }
    const auto field = [&](std::size_t number_in_manual) { return number(fields[number_in_manual - 3]).value_or(0); };
    return ProcessStatus{
        .pid = pid,
        .state = fields[0][0],
        .parent = static_cast<pid_t>(field(4)),
        .group = static_cast<pid_t>(field(5)),
        .processor_ticks = field(14) + field(15),
        .start_time = field(22),
    };
}

}  // namespace

std::optional<ProcessStatus> status_of(pid_t pid) {
    return status_in(pid, read(pid, "stat").value_or(""));
}

std::optional<ProcessStatus> status_or_throw(pid_t pid) {
    return status_in(pid, read_or_throw(pid, "stat").value_or(""));
}

std::vector<ProcessStatus> process_table() {
    std::vector<ProcessStatus> table;
    std::error_code error;
    std::filesystem::directory_iterator entry("/proc", error);
    for (const std::filesystem::directory_iterator end; !error && entry != end; entry.increment(error)) {
        const auto pid = number(entry->path().filename().string());
        if (!pid) {
            continue;
        }
        if (const auto status = status_or_throw(static_cast<pid_t>(*pid))) {
            table.push_back(*status);
        }
    }
    if (error) {
        throw refused("read the process table in", "/proc", error.value());
    }
    return table;
}

unsigned long long start_time_of(pid_t pid) {
    const auto status = status_of(pid);
    return status && !status->is_zombie() ? status->start_time : 0;
}

bool may_be_running(pid_t pid, unsigned long long start_time) {
    try {
        const auto status = status_or_throw(pid);
        return status && !status->is_zombie() && status->start_time == start_time;
    } catch (const Failure&) {
        return ::kill(pid, 0) == 0 || errno != ESRCH;
    }
}

unsigned long long transferred_bytes(pid_t pid) {
    unsigned long long sum = 0;
    for (const std::string& line : lines(read(pid, "io").value_or(""))) {
        const std::string_view text = line;
        if (text.substr(0, 7) == "rchar: " || text.substr(0, 7) == "wchar: ") {
            sum += number(text.substr(7)).value_or(0);
        }
    }
    return sum;
}

std::optional<unsigned long long> disk_bytes(pid_t pid) {
    std::optional<unsigned long long> sum;
    for (const std::string& line : lines(read(pid, "io").value_or(""))) {
        for (const std::string_view name : {"read_bytes: ", "write_bytes: "}) {
            if (line.starts_with(name)) {
                sum = sum.value_or(0) + number(std::string_view(line).substr(name.size())).value_or(0);
            }
        }
    }
    return sum;
}

std::vector<std::string> arguments_of(pid_t pid) {
    return zero_terminated(read(pid, "cmdline")).value_or(std::vector<std::string>());
}

std::vector<std::string> arguments_or_throw(pid_t pid) {
    return zero_terminated(read_or_throw(pid, "cmdline")).value_or(std::vector<std::string>());
}

std::optional<ProcessFacts> facts_of(pid_t pid) {
    const auto status = status_or_throw(pid);
    if (!status || status->is_zombie()) {
        return std::nullopt;
    }
    const auto arguments = zero_terminated(read_or_throw(pid, "cmdline"));
    const auto environment = zero_terminated(read_or_throw(pid, "environ"));
    std::error_code error;
    const auto directory = std::filesystem::read_symlink(path_of(pid, "cwd"), error);
    if (!arguments || !environment || error) {
        return std::nullopt;
    }

    ProcessFacts facts{
        .pid = pid, .parent = status->parent, .arguments = *arguments, .environment = {}, .directory = directory};
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

}  // namespace patroni_pgbackrest::system
