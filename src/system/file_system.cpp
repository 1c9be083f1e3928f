#include "system/file.hpp"

#include "system/descriptor.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <fmt/format.h>
#include <string_view>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace patroni_pgbackrest::system {

namespace {

namespace fs = std::filesystem;

fs::path nearest_existing(const fs::path& path) {
    auto nearest = fs::absolute(path).lexically_normal();
    std::error_code error;
    while (!fs::exists(nearest, error) && nearest.has_relative_path()) {
        nearest = nearest.parent_path();
    }
    return nearest;
}

/// How mountinfo writes white space and backslashes: `\040` and the like.
std::string without_octal_escapes(const std::string& text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto code = text[i] == '\\' ? number(std::string_view(text).substr(i + 1, 3), 8) : std::nullopt;
        plain += code ? static_cast<char>(*code) : text[i];
        i += code ? 3 : 0;
    }
    return plain;
}

struct Mount {
    fs::path point;
    std::string type;  ///< of the file system
};

/// proc_pid_mountinfo(5): any number of optional fields ends with a hyphen, behind which the type stands.
std::vector<Mount> mounts_in(std::string_view mountinfo) {
    constexpr std::size_t mount_point = 4;
    std::vector<Mount> mounts;
    for (const auto& line : split(mountinfo, '\n')) {
        const auto fields = split(line, ' ');
        const auto hyphen = std::find(fields.begin(), fields.end(), "-");
        if (fields.size() > mount_point && fields.end() - hyphen > 1) {
            mounts.push_back({without_octal_escapes(fields[mount_point]), *(hyphen + 1)});
        }
    }
    return mounts;
}

std::string own_mountinfo() {
    return read_file("/proc/self/mountinfo");
}

/// The id of the mount that holds a path (proc_pid_fdinfo(5)): statx(2) tells it from Linux 5.8 on only. Empty without
/// /proc.
std::string mount_of(const fs::path& path) {
    constexpr std::string_view name = "mnt_id:";
    const Descriptor opened(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!opened.is_open()) {
        throw refused("look at", path, errno);
    }
    const auto facts = read_file_if_present(fmt::format("/proc/self/fdinfo/{}", opened.number()));
    for (const auto& line : lines(facts.value_or(""))) {
        if (line.starts_with(name)) {
            return line.substr(name.size());
        }
    }
    return {};
}

}  // namespace

std::uint64_t bytes_in(const fs::path& directory) {
    std::uint64_t bytes = 0;
    std::error_code error;
    fs::recursive_directory_iterator entry(directory, fs::directory_options::skip_permission_denied, error);
    for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
        std::error_code ignored;
        if (!entry->is_symlink(ignored) && entry->is_regular_file(ignored)) {
            bytes += entry->file_size(ignored);
        }
    }
    return bytes;
}

bool is_on_one_of(const fs::path& path, std::initializer_list<std::uint64_t> types) {
    struct statfs facts {};
    return ::statfs(nearest_existing(path).c_str(), &facts) == 0 &&
           std::find(types.begin(), types.end(), static_cast<std::uint64_t>(facts.f_type) & 0xFFFFFFFF) != types.end();
}

bool may_compress(const fs::path& path) {
    // Nothing else tells: Btrfs counts the blocks of a compressed file as if it were not.
    constexpr std::uint64_t zfs = 0x2FC12FC1;
    constexpr std::uint64_t bcachefs = 0xCA451A4E;
    return is_on_one_of(path, {zfs, type_of_btrfs, bcachefs});
}

bool is_in_memory(const fs::path& path) {
    // The kernel has no others. What keeps a disk in memory below another file system is not seen.
    constexpr std::uint64_t tmpfs = 0x01021994;
    constexpr std::uint64_t ramfs = 0x858458F6;
    return is_on_one_of(path, {tmpfs, ramfs});
}

bool is_empty_or_absent(const fs::path& directory) {
    std::error_code error;
    const auto type = fs::status(directory, error).type();  // none if we may not look at it
    return type == fs::file_type::not_found || (type == fs::file_type::directory && entries(directory).empty());
}

bool is_present(const fs::path& path) {
    std::error_code error;
    const bool is_there = fs::exists(path, error);
    if (error) {
        throw refused("look at", path, error.value());
    }
    return is_there;
}

bool is_mount_point(const fs::path& directory) {
    std::error_code error;
    const auto real = fs::canonical(directory, error);
    if (error) {
        return false;
    }
    struct stat own {
    }, parent{};
    if (::stat(real.c_str(), &own) == 0 && ::stat(real.parent_path().c_str(), &parent) == 0 &&
        (own.st_dev != parent.st_dev || own.st_ino == parent.st_ino)) {
        return true;
    }
    // A bind mount from the same file system has its parent's device number.
    const auto mounts = mounts_in(own_mountinfo());
    return std::any_of(mounts.begin(), mounts.end(), [&](const Mount& mount) { return mount.point == real; });
}

std::set<fs::path> remote_mounts() {
    return remote_mounts_in(own_mountinfo());
}

std::set<fs::path> remote_mounts_in(std::string_view mountinfo) {
    // Whether one answers is known by a look alone, which is what may block. Without a block device are local ones,
    // too.
    constexpr std::array types = {"9p",   "afs",    "autofs", "beegfs", "ceph", "cifs",  "fuse", "gfs2",  "glusterfs",
                                  "gpfs", "lustre", "ncpfs",  "nfs",    "nfs4", "ocfs2", "smb3", "smbfs", "virtiofs"};
    std::set<fs::path> remote;
    for (const auto& mount : mounts_in(mountinfo)) {
        const auto type = mount.type.substr(0, mount.type.find('.'));  // fuse.sshfs
        if (std::find(types.begin(), types.end(), type) != types.end()) {
            remote.insert(mount.point);
        }
    }
    return remote;
}

fs::path without_last_slash(fs::path path) {
    while (!path.has_filename() && path.has_relative_path()) {
        path = path.parent_path();
    }
    return path;
}

bool leads_into(const fs::path& path, const std::set<fs::path>& directories) {
    constexpr int most_links = 40;  // as the kernel's MAXSYMLINKS
    fs::path reached;
    std::deque<fs::path> ahead(path.begin(), path.end());
    for (int links = 0; !ahead.empty();) {
        const auto next = ahead.front();
        ahead.pop_front();
        if (next.empty() || next == ".") {
            continue;
        }
        if (next == "..") {
            reached = reached.parent_path();
            continue;
        }
        const auto before = reached;
        reached = next.is_absolute() ? next : reached / next;
        if (directories.contains(reached)) {
            return true;
        }
        std::error_code error;
        const auto end = fs::read_symlink(reached, error);
        if (!error) {
            if (++links > most_links) {
                return true;
            }
            ahead.insert(ahead.begin(), end.begin(), end.end());
            reached = before;
        }
    }
    return false;
}

bool is_writable(const fs::path& directory) {
    return ::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
}

bool same_file_system(const fs::path& one, const fs::path& other) {
    const auto first = nearest_existing(one);
    const auto second = nearest_existing(other);
    struct stat left {
    }, right{};
    return ::stat(first.c_str(), &left) == 0 && ::stat(second.c_str(), &right) == 0 && left.st_dev == right.st_dev &&
           mount_of(first) == mount_of(second);
}

bool lies_in(const fs::path& path, const fs::path& directory) {
    const auto relative = path.lexically_normal().lexically_relative(directory);
    return !directory.empty() && !relative.empty() && *relative.begin() != "..";
}

bool is_same_place(const fs::path& one, const fs::path& other) {
    std::error_code unknown, other_unknown;
    const auto place = fs::weakly_canonical(one / "", unknown),
               other_place = fs::weakly_canonical(other / "", other_unknown);
    return unknown || other_unknown ? (one / "").lexically_normal() == (other / "").lexically_normal()
                                    : place == other_place;
}

std::string file_system_instance(const fs::path& path) {
    struct stat facts {};
    if (::stat(nearest_existing(path).c_str(), &facts) != 0) {
        return {};
    }
    std::error_code error;
    const auto device =
        fs::read_symlink(fmt::format("/sys/dev/block/{}:{}", major(facts.st_dev), minor(facts.st_dev)), error);
    if (error) {
        return {};
    }
    for (const auto& type : fs::directory_iterator("/sys/fs", error)) {
        if (::stat((type.path() / device.filename()).c_str(), &facts) == 0) {
            return fmt::format("{} {}", device.filename().string(), facts.st_ino);
        }
    }
    return {};
}

unsigned long long free_bytes(const fs::path& path) {
    const auto existing = nearest_existing(path);
    struct statvfs facts {};
    if (::statvfs(existing.c_str(), &facts) != 0) {
        throw refused("read the free space of", existing, errno);
    }
    return static_cast<unsigned long long>(facts.f_bavail) * facts.f_frsize;
}

}  // namespace patroni_pgbackrest::system
