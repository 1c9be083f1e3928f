#include "system/write_wall.hpp"

#include "system/refusal.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace patroni_pgbackrest::system {

namespace fs = std::filesystem;

namespace {

// Debian 12's headers know versions 1 and 2.
constexpr std::uint64_t truncate = 1U << 14;
constexpr std::uint64_t changes = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                  LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                  LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                  LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                                  LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
constexpr std::uint64_t for_files = LANDLOCK_ACCESS_FS_WRITE_FILE | truncate;

/// Version 1 lets no file go to another directory.
std::uint64_t changes_known_to(int version) {
    return changes | (version >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0) | (version >= 3 ? truncate : 0);
}

void allow(const Descriptor& rules, const fs::path& path, std::uint64_t handled) {
    const Descriptor opened(::open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat facts {};
    if (!opened.is_open() || ::fstat(opened.number(), &facts) != 0) {
        if (errno == ENOENT || errno == ENOTDIR || errno == EACCES) {
            return;  // it is not there, or nobody behind the wall gets to it either
        }
        throw refused("confine writing to", path, errno);
    }
    const landlock_path_beneath_attr attributes{S_ISDIR(facts.st_mode) ? handled : handled & for_files,
                                                opened.number()};
    if (::syscall(SYS_landlock_add_rule, rules.number(), LANDLOCK_RULE_PATH_BENEATH, &attributes, 0U) != 0) {
        if (is_passing_fault(errno)) {
            throw refused("confine writing to", path, errno);
        }
        throw Failure(
            ExitCode::preflight_refused,
            fmt::format("writing cannot be confined to {}: landlock_add_rule: {}", path.string(), std::strerror(errno)),
            "look at the kernel's log");
    }
}

}  // namespace

int landlock_version() {
    const auto version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0UL, LANDLOCK_CREATE_RULESET_VERSION);
    return version > 0 ? static_cast<int>(version) : 0;
}

std::optional<WriteWall> WriteWall::around(const std::vector<fs::path>& writable) {
    const int version = landlock_version();
    if (version == 0) {
        return std::nullopt;
    }
    landlock_ruleset_attr attributes{};
    attributes.handled_access_fs = changes_known_to(version);
    Descriptor rules(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0U)));
    if (!rules.is_open()) {
        if (is_passing_fault(errno)) {
            throw refused("confine writing", errno);
        }
        throw Failure(ExitCode::preflight_refused,
                      fmt::format("writing cannot be confined: landlock_create_ruleset: {}", std::strerror(errno)),
                      "look at the kernel's log");
    }
    for (const char* always : {"/dev/null", "/dev/shm"}) {
        allow(rules, always, attributes.handled_access_fs);
    }
    for (const auto& path : writable) {
        allow(rules, path, attributes.handled_access_fs);
    }
    return WriteWall(std::move(rules));
}

bool stand_behind(int wall) {
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::syscall(SYS_landlock_restrict_self, wall, 0U) == 0;
}

}  // namespace patroni_pgbackrest::system
