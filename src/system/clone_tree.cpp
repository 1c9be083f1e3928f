#include "system/clone_tree.hpp"

#include "system/descriptor.hpp"
#include "system/file.hpp"
#include "system/interruption.hpp"
#include "system/refusal.hpp"
#include "system/temporary_file.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <linux/fs.h>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace patroni_pgbackrest::system {

namespace {

namespace fs = std::filesystem;

/// Others have had clones for a short time only.
bool is_known_to_clone(const fs::path& directory) {
    constexpr std::uint64_t xfs = 0x58465342;
    return is_on_one_of(directory, {xfs, type_of_btrfs});
}

bool shares_blocks(const Descriptor& from, const Descriptor& to) {
    return ::ioctl(to.number(), FICLONE, from.number()) == 0;
}

/// While a file is empty, and at any time for what is made in a directory.
void copy_nodatacow(const Descriptor& from, const Descriptor& to) {
    unsigned wanted = 0;
    unsigned flags = 0;
    if (::ioctl(from.number(), FS_IOC_GETFLAGS, &wanted) == 0 && ::ioctl(to.number(), FS_IOC_GETFLAGS, &flags) == 0 &&
        ((wanted ^ flags) & FS_NOCOW_FL) != 0) {
        flags ^= FS_NOCOW_FL;
        static_cast<void>(::ioctl(to.number(), FS_IOC_SETFLAGS, &flags));
    }
}

/// A file is cloned once it is written. Begun for all of them, that takes less time than one after the other.
void begin_to_write(const fs::path& directory) {
    std::error_code error, unreadable;
    for (fs::recursive_directory_iterator entry(directory, error), end; !error && entry != end;
         entry.increment(error)) {
        interruption::check();
        if (entry->symlink_status(unreadable).type() != fs::file_type::regular) {
            continue;
        }
        const Descriptor file(::open(entry->path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
        if (file.is_open()) {
            static_cast<void>(::sync_file_range(file.number(), 0, 0, SYNC_FILE_RANGE_WRITE));
        }
    }
}

void clone_file(const fs::path& from, const fs::path& to, bool is_empty) {
    const Descriptor original(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!original.is_open()) {
        cannot("read", from);
    }
    const Descriptor made(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!made.is_open()) {
        cannot("make", to);
    }
    copy_nodatacow(original, made);  // FICLONE says EINVAL where only one of them has checksums
    if (!is_empty && !shares_blocks(original, made)) {
        cannot("clone", from);
    }
}

/// The owner first, since a change of that takes bits of the mode away.
void take_over(const struct stat& original, const fs::path& to) {
    const std::array<timespec, 2> times{original.st_atim, original.st_mtim};
    if (::lchown(to.c_str(), original.st_uid, original.st_gid) != 0 ||
        (!S_ISLNK(original.st_mode) && ::chmod(to.c_str(), original.st_mode & 07777) != 0) ||
        ::utimensat(AT_FDCWD, to.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
        cannot("change owner, mode or time of", to);
    }
}

void clone_link(const fs::path& from, const fs::path& to) {
    std::error_code error;
    fs::copy_symlink(from, to, error);
    if (error) {
        throw refused("clone", from, error.value());
    }
}

void clone_entry(const fs::path& from, const fs::path& to) {
    interruption::check();
    struct stat original {};
    if (::lstat(from.c_str(), &original) != 0) {
        cannot("read", from);
    }
    if (S_ISDIR(original.st_mode)) {
        if (::mkdir(to.c_str(), 0700) != 0) {
            cannot("make directory", to);
        }
        take_over_nodatacow(from, to);
        for (const auto& name : entries(from)) {
            clone_entry(from / name, to / name);
        }
    } else if (S_ISREG(original.st_mode)) {
        clone_file(from, to, original.st_size == 0);
    } else if (S_ISLNK(original.st_mode)) {
        clone_link(from, to);
    } else {
        throw refused("clone", from, EOPNOTSUPP);
    }
    take_over(original, to);
}

}  // namespace

bool can_clone(const fs::path& directory) {
    if (!is_known_to_clone(directory)) {
        return false;
    }
    constexpr std::string_view content = "a block";
    const auto unnamed_file = [&] {
        return Descriptor(::open(directory.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
    };
    const auto one = unnamed_file();
    const auto other = unnamed_file();
    return one.is_open() && other.is_open() &&
           ::write(one.number(), content.data(), content.size()) == static_cast<ssize_t>(content.size()) &&
           shares_blocks(one, other);
}

void clone_tree(const fs::path& from, const fs::path& to) {
    begin_to_write(from);
    clone_entry(from, to);
}

void take_over_nodatacow(const fs::path& from, const fs::path& to) {
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    copy_nodatacow(Descriptor(::open(from.c_str(), flags)), Descriptor(::open(to.c_str(), flags)));
}

}  // namespace patroni_pgbackrest::system
