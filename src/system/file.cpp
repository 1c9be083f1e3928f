#include "system/file.hpp"

#include "system/descriptor.hpp"
#include "system/temporary_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <span>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace patroni_pgbackrest::system {

namespace {

namespace fs = std::filesystem;

Descriptor open_to_read(const fs::path& path) {
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) {
        cannot("read", path, ExitCode::usage);
    }
    return file;
}

/// Not open if there is no such file.
Descriptor open_if_present(const fs::path& path) {
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open() && errno != ENOENT) {
        cannot("read", path, ExitCode::usage);
    }
    return file;
}

/// Empty at the end of the file.
std::string_view read_some(const Descriptor& file, std::span<char> buffer, const fs::path& path, ExitCode code) {
    while (true) {
        const ssize_t length = ::read(file.number(), buffer.data(), buffer.size());
        if (length >= 0) {
            return {buffer.data(), static_cast<std::size_t>(length)};
        }
        if (errno != EINTR) {
            cannot("read", path, code);
        }
    }
}

std::string read_all(const Descriptor& file, const fs::path& path) {
    std::string content;
    std::array<char, 16384> buffer;
    while (true) {
        const auto part = read_some(file, buffer, path, ExitCode::usage);
        if (part.empty()) {
            return content;
        }
        content.append(part);
    }
}

FileHead head_of(const Descriptor& file, const fs::path& path, std::size_t length) {
    struct stat facts {};
    if (::fstat(file.number(), &facts) != 0) {
        cannot("read", path, ExitCode::usage);
    }
    FileHead head{std::string(length, '\0'), static_cast<std::uint64_t>(facts.st_size)};
    std::span<char> missing(head.bytes.data(), head.bytes.size());
    while (!missing.empty()) {
        const auto part = read_some(file, missing, path, ExitCode::usage);
        if (part.empty()) {
            break;
        }
        missing = missing.subspan(part.size());
    }
    head.bytes.resize(length - missing.size());
    return head;
}

}  // namespace

std::string read_file(const fs::path& path) {
    return read_all(open_to_read(path), path);
}

std::optional<std::string> read_file_if_present(const fs::path& path) {
    const auto file = open_if_present(path);
    return file.is_open() ? std::optional(read_all(file, path)) : std::nullopt;
}

FileHead read_head(const fs::path& path, std::size_t length) {
    return head_of(open_to_read(path), path, length);
}

std::optional<FileHead> read_head_if_present(const fs::path& path, std::size_t length) {
    const auto file = open_if_present(path);
    return file.is_open() ? std::optional(head_of(file, path, length)) : std::nullopt;
}

void copy_whole_file(const fs::path& from, const fs::path& to) {
    const Descriptor original(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat facts {};
    if (!original.is_open() || ::fstat(original.number(), &facts) != 0) {
        cannot("read", from);
    }
    const Descriptor copy(::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, facts.st_mode & 0777));
    if (!copy.is_open()) {
        cannot("write", to);
    }
    try {
        std::vector<char> buffer(1 << 20);
        for (auto part = read_some(original, buffer, from, ExitCode::system_refused); !part.empty();
             part = read_some(original, buffer, from, ExitCode::system_refused)) {
            write_all(copy, part, to);
        }
    } catch (...) {
        ::unlink(to.c_str());
        throw;
    }
}

namespace {

void put_in_place(const fs::path& path, std::string_view content, int mode, TemporaryFile::Owner owner) {
    TemporaryFile temporary(follow_links(path));
    temporary.take_over_owner(mode, owner);
    temporary.fill(content);
    temporary.become_target();
}

}  // namespace

void replace_file(const fs::path& path, std::string_view content, int mode) {
    put_in_place(path, content, mode, TemporaryFile::Owner::stays);
}

void replace_public_file(const fs::path& path, std::string_view content, int mode) {
    put_in_place(path, content, mode, TemporaryFile::Owner::may_change);
}

void remove_file(const fs::path& path) {
    if (::unlink(path.c_str()) == 0) {
        sync_directory(fs::absolute(path).lexically_normal().parent_path());
    } else if (errno != ENOENT) {
        cannot("remove", path);
    }
}

std::vector<std::string> entries(const fs::path& directory) {
    DIR* stream = ::opendir(directory.c_str());
    if (stream == nullptr) {
        cannot("read the directory", directory, ExitCode::unsafe);
    }
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream)) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") {
            names.emplace_back(name);
        }
        errno = 0;
    }
    const int error = errno;
    ::closedir(stream);
    errno = error;
    if (error != 0) {
        cannot("read the directory", directory, ExitCode::unsafe);
    }
    std::sort(names.begin(), names.end());
    return names;
}

void sync_directory(const fs::path& directory) {
    const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.is_open()) {
        cannot("open", directory);
    }
    // Some file systems do not support fsync of a directory. PostgreSQL ignores the same two errors (fsync_fname_ext).
    if (::fsync(opened.number()) != 0 && errno != EBADF && errno != EINVAL) {
        cannot("sync", directory);
    }
}

std::optional<std::string> birth_of(const fs::path& directory) {
    struct statx facts {};
    if (::statx(AT_FDCWD, directory.c_str(), 0, STATX_TYPE | STATX_INO | STATX_BTIME, &facts) != 0 ||
        !S_ISDIR(facts.stx_mode)) {
        return std::nullopt;
    }
    const bool known = (facts.stx_mask & STATX_BTIME) != 0;
    return fmt::format("{} {}.{:09}", facts.stx_ino, known ? facts.stx_btime.tv_sec : 0,
                       known ? facts.stx_btime.tv_nsec : 0);
}

bool is_same_birth(std::string_view one, std::string_view other) {
    const auto inode = [](std::string_view birth) { return birth.substr(0, birth.find(' ')); };
    const auto has_time = [](std::string_view birth) { return !birth.ends_with(" 0.000000000"); };
    return one == other || (inode(one) == inode(other) && has_time(one) != has_time(other));
}

}  // namespace patroni_pgbackrest::system
