#include "system/refusal.hpp"

#include "system/owner.hpp"

#include <algorithm>
#include <array>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <new>
#include <sys/resource.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace patroni_pgbackrest::system {

namespace {

namespace fs = std::filesystem;

bool may(const fs::path& path, int mode) {
    return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0;
}

struct Obstacle {
    fs::path path;  ///< empty: nothing that the modes show
    std::string_view missing{};
};

/// What stands in this user's way to `path`, from the top.
Obstacle obstacle(const fs::path& path) {
    std::error_code error;
    const auto absolute = fs::absolute(path, error).lexically_normal();
    if (error) {
        return {};  // the working directory is gone
    }
    const auto parent = absolute.parent_path();
    fs::path directory;
    for (const auto& name : parent) {
        directory /= name;
        if (!may(directory, X_OK)) {
            return {directory, "enter"};
        }
    }
    const bool exists = may(absolute, F_OK);
    if (exists && !may(absolute, R_OK)) {
        return {absolute, "read"};
    }
    if (!may(parent, W_OK)) {
        return {parent, "write to"};
    }
    return exists && !may(absolute, W_OK) ? Obstacle{absolute, "write to"} : Obstacle{};
}

std::string permission_hint(const fs::path& path) {
    if (path.empty()) {
        return fmt::format("let {} do that: a seccomp filter, SELinux or AppArmor may forbid it", own_user().user);
    }
    struct stat facts {};
    const auto in_the_way = obstacle(path);
    if (in_the_way.path.empty() || ::stat(in_the_way.path.c_str(), &facts) != 0) {
        return fmt::format("let {} do that to {}; where its mode and owner allow it, SELinux, AppArmor or an attribute "
                           "(lsattr) does not",
                           own_user().user, path.string());
    }
    return fmt::format("let {} {} {}: it belongs to {} and has mode {:04o}", own_user().user, in_the_way.missing,
                       in_the_way.path.string(), user_name(facts.st_uid), facts.st_mode & 07777);
}

std::string limit_of(__rlimit_resource_t resource) {
    rlimit limit{};
    const bool known = ::getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    return known ? std::to_string(limit.rlim_cur) : "unlimited";
}

std::string file_system_of(const fs::path& path) {
    return path.empty() ? "the file system" : "the file system of " + path.string();
}

fs::path first_path(const fs::filesystem_error& error) {
    return error.path2().empty() ? error.path1() : error.path2();
}

/// libstdc++ begins each with the same two words.
std::string without_prefix(const std::string& text) {
    constexpr std::string_view prefix = "filesystem error: ";
    return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

/// Only of an error that the system gave: other categories have numbers of their own.
template <typename Code>
int errno_of(const Code& code) {
    const std::string category = code.category().name();
    return category == "generic" || category == "system" ? code.value() : 0;
}

Failure with_own_words(const std::string& words, const fs::path& path, int error) {
    return {ExitCode::system_refused, words, hint_for(error, path)};
}

}  // namespace

bool is_passing_fault(int error) {
    constexpr std::array faults = {EAGAIN, EINTR, EMFILE, ENFILE, ENOMEM, ENOSPC, EDQUOT, EIO};
    return std::find(faults.begin(), faults.end(), error) != faults.end();
}

std::string hint_for(int error, const fs::path& path) {
    switch (error) {
    case ENOSPC:
        return fmt::format("make room on {} (df -h shows its space, df -i its inodes), then run it again",
                           file_system_of(path));
    case EDQUOT:
        return fmt::format("raise the quota of {} on {}, then run it again", own_user().user, file_system_of(path));
    case EFBIG:
        return fmt::format("raise the limit of a file's size, {} bytes now (ulimit -f, LimitFSIZE= of the service)",
                           limit_of(RLIMIT_FSIZE));
    case EROFS:
        return fmt::format(
            "mount {} writable (in a container, its volume); the kernel's log (dmesg) says why it is not",
            file_system_of(path));
    case EACCES:
    case EPERM:
        return permission_hint(path);
    case EMFILE:
        return fmt::format("raise the limit of open files, {} now (ulimit -n, LimitNOFILE= of the service), then run "
                           "it again",
                           limit_of(RLIMIT_NOFILE));
    case ENFILE:
        return "raise the host's limit of open files (sysctl fs.file-max), then run it again";
    case EAGAIN:
        return fmt::format("raise the limit of {}'s processes and threads, {} now (ulimit -u), or that of the service "
                           "or container (TasksMax=, pids.max), then run it again",
                           own_user().user, limit_of(RLIMIT_NPROC));
    case ENOMEM:
        return "free memory, or raise the limit of the service or container (MemoryMax=, memory.max), then run it "
               "again";
    case ENOENT:
    case ENOTDIR:
        return path.empty() ? "look for what is missing, then run it again"
                            : fmt::format("see whether {} is right, and what of it is missing", path.string());
    case EIO:
        return fmt::format("look at the kernel's log (dmesg) and at the disk of {}: what was written there cannot be "
                           "trusted",
                           file_system_of(path));
    default:
        return path.empty() ? "look at the system's words and at the kernel's log (dmesg), then run it again"
                            : fmt::format("look at {} and at what it lies on, then run it again", path.string());
    }
}

Failure refused(std::string_view what, const fs::path& path, int error) {
    return {ExitCode::system_refused, fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(error)),
            hint_for(error, path)};
}

Failure refused(std::string_view what, int error) {
    return {ExitCode::system_refused, fmt::format("cannot {}: {}", what, std::strerror(error)), hint_for(error)};
}

Failure unexpected(const std::exception& error) {
    if (const auto* failure = dynamic_cast<const Failure*>(&error)) {
        return *failure;
    }
    if (const auto* of_files = dynamic_cast<const fs::filesystem_error*>(&error)) {
        return with_own_words(without_prefix(of_files->what()), first_path(*of_files), errno_of(of_files->code()));
    }
    if (const auto* of_system = dynamic_cast<const std::system_error*>(&error)) {
        return with_own_words(of_system->what(), {}, errno_of(of_system->code()));
    }
    if (const auto* of_boost = dynamic_cast<const boost::system::system_error*>(&error)) {
        return with_own_words(of_boost->what(), {}, errno_of(of_boost->code()));
    }
    if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
        return refused("get memory", ENOMEM);
    }
    return {ExitCode::internal_error, std::string("internal error: ") + error.what(), "report it, with the log"};
}

}  // namespace patroni_pgbackrest::system
