#include "system/process_table.hpp"

#include "system/text.hpp"

#include <array>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <string>
#include <unistd.h>

namespace patroni_pgbackrest::system {

namespace {

/// The size of one read: /proc/PID/stat and /proc/PID/io are shorter than a page.
std::string read_short(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return {};
    }
    std::array<char, 4096> buffer{};
    const ssize_t length = ::read(descriptor, buffer.data(), buffer.size());
    ::close(descriptor);
    return length > 0 ? std::string(buffer.data(), static_cast<std::size_t>(length)) : std::string{};
}

}  // namespace

std::optional<ProcessStatus> status_of(pid_t pid) {
    const std::string text = read_short(fmt::format("/proc/{}/stat", pid));
    // The second field is the program's name in parentheses, which may itself contain spaces and parentheses.
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string::npos) {
        return std::nullopt;
    }
    const std::vector<std::string> fields = split(trim(std::string_view(text).substr(name_end + 1)), ' ');
    if (fields.size() < 20) {
        return std::nullopt;
    }
    const auto field = [&](std::size_t number_in_manual) { return number(fields[number_in_manual - 3]).value_or(0); };
    return ProcessStatus{
        pid,      fields[0][0], static_cast<pid_t>(field(4)), static_cast<pid_t>(field(5)), field(14) + field(15),
        field(22)};
}

std::vector<ProcessStatus> process_table() {
    std::vector<ProcessStatus> table;
    DIR* directory = ::opendir("/proc");
    if (directory == nullptr) {
        return table;
    }
    while (const dirent* entry = ::readdir(directory)) {
        const auto pid = number(entry->d_name);
        if (!pid) {
            continue;
        }
        if (auto status = status_of(static_cast<pid_t>(*pid))) {
            table.push_back(*status);
        }
    }
    ::closedir(directory);
    return table;
}

unsigned long long transferred_bytes(pid_t pid) {
    unsigned long long sum = 0;
    for (const std::string& line : lines(read_short(fmt::format("/proc/{}/io", pid)))) {
        const std::string_view text = line;
        if (text.substr(0, 7) == "rchar: " || text.substr(0, 7) == "wchar: ") {
            sum += number(text.substr(7)).value_or(0);
        }
    }
    return sum;
}

}  // namespace patroni_pgbackrest::system
