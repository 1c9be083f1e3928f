#include "system/control_group.hpp"

#include "system/text.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

namespace patroni_pgbackrest::system {

namespace {

namespace fs = std::filesystem;

/// A group may be removed between opening and reading; the stream buffer then throws.
std::string content(const fs::path& path) {
    try {
        std::ifstream file(path);
        return file ? std::string(std::istreambuf_iterator<char>(file), {}) : std::string();
    } catch (const std::ios_base::failure&) {
        return {};
    }
}

std::optional<std::uint64_t> number_in(const fs::path& path) {
    return number(trim(content(path)));
}

/// One value of memory.stat.
unsigned long long statistic(const fs::path& path, const std::string& name) {
    for (const std::string& line : lines(content(path))) {
        if (line.compare(0, name.size() + 1, name + " ") == 0) {
            return number(trim(std::string_view(line).substr(name.size()))).value_or(0);
        }
    }
    return 0;
}

template <typename Value>
void narrow(std::optional<Value>& limit, Value value) {
    limit = limit ? std::min(*limit, value) : value;
}

void narrow_processors(ControlGroupLimits& limits, std::optional<std::uint64_t> quota,
                       std::optional<std::uint64_t> period) {
    if (quota && period && *period > 0) {
        narrow(limits.processors, static_cast<double>(*quota) / static_cast<double>(*period));
    }
}

void narrow_memory(ControlGroupLimits& limits, std::optional<std::uint64_t> most, std::optional<std::uint64_t> used,
                   unsigned long long droppable) {
    if (!most || !used) {
        return;
    }
    const unsigned long long held = *used - std::min<unsigned long long>(*used, droppable);
    narrow<unsigned long long>(limits.memory_left, *most - std::min<unsigned long long>(*most, held));
}

/// Without a limit, version 2 writes `max 100000` and version 1 a quota of -1. Neither is an unsigned number, so there
/// is no limit.
void read_group(const fs::path& group, ControlGroupLimits& limits) {
    const auto maximum = split(trim(content(group / "cpu.max")), ' ');
    if (maximum.size() == 2) {
        narrow_processors(limits, number(maximum[0]), number(maximum[1]));
    }
    narrow_processors(limits, number_in(group / "cpu.cfs_quota_us"), number_in(group / "cpu.cfs_period_us"));
    narrow_memory(limits, number_in(group / "memory.max"), number_in(group / "memory.current"),
                  statistic(group / "memory.stat", "inactive_file"));
    narrow_memory(limits, number_in(group / "memory.limit_in_bytes"), number_in(group / "memory.usage_in_bytes"),
                  statistic(group / "memory.stat", "total_inactive_file"));
}

void read_group_and_parents(const fs::path& mount, const fs::path& own, ControlGroupLimits& limits) {
    auto group = own.relative_path();
    while (!group.empty()) {
        read_group(mount / group, limits);
        group = group.parent_path();
    }
    read_group(mount, limits);
}

}  // namespace

ControlGroupLimits control_group_limits(const fs::path& root) {
    ControlGroupLimits limits;
    const fs::path mounts = root / "sys/fs/cgroup";
    for (const std::string& line : lines(content(root / "proc/self/cgroup"))) {
        // hierarchy:controllers:path; the path may hold colons (cgroups(7)).
        const std::size_t first = line.find(':');
        const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos) {
            continue;
        }
        const auto controllers = line.substr(first + 1, second - first - 1);
        const fs::path own = line.substr(second + 1);
        if (controllers.empty()) {
            read_group_and_parents(mounts, own, limits);
            read_group_and_parents(mounts / "unified", own, limits);
            continue;
        }
        const auto names = split(controllers, ',');
        for (const std::string& controller : {std::string("cpu"), std::string("memory")}) {
            if (std::find(names.begin(), names.end(), controller) == names.end()) {
                continue;
            }
            read_group_and_parents(mounts / controllers, own, limits);
            if (controllers != controller) {
                read_group_and_parents(mounts / controller, own, limits);
            }
        }
    }
    return limits;
}

}  // namespace patroni_pgbackrest::system
