#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::system {

/// The whole file. Throws Failure(usage) that names the path if it cannot be read, Failure(system_refused) for a fault
/// that may pass.
std::string read_file(const std::filesystem::path& path);
/// Empty if the file does not exist; throws as read_file otherwise.
std::optional<std::string> read_file_if_present(const std::filesystem::path& path);

/// How a file begins.
struct FileHead {
    std::string bytes;  ///< as many as were asked for, or as the file has
    std::uint64_t file_size = 0;
};
/// The first `length` bytes of a file, and its size; throws as read_file.
FileHead read_head(const std::filesystem::path& path, std::size_t length);
/// Empty if the file does not exist; throws as read_file otherwise.
std::optional<FileHead> read_head_if_present(const std::filesystem::path& path, std::size_t length);

/// Replaces the file atomically: a temporary file beside the target, with owner and mode of the old file (else `mode`),
/// fsync, rename, fsync of the directory. A symbolic link is followed. Throws Failure(system_refused) that names the
/// path, and leaves no temporary file behind.
void replace_file(const std::filesystem::path& path, std::string_view content, int mode = 0600);

/// The same for a file that everybody may read: where its owner cannot be kept, it becomes ours.
void replace_public_file(const std::filesystem::path& path, std::string_view content, int mode);

/// The content of a file to the last byte, with its mode, less the umask; not made durable. Throws
/// Failure(system_refused) that names the path, and leaves no part of a copy. std::filesystem::copy_file of libstdc++
/// calls sendfile once, which a signal cuts short: then it fails with EINTR, or goes on, and where the disk is full
/// reports that all is copied (seen with 12).
void copy_whole_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// Removes a file that may be absent, then makes that durable. Throws Failure(system_refused).
void remove_file(const std::filesystem::path& path);

/// The names in a directory, sorted, without `.` and `..`. Throws Failure(unsafe) if it is unreadable,
/// Failure(system_refused) for a fault that may pass.
std::vector<std::string> entries(const std::filesystem::path& directory);

bool is_empty_or_absent(const std::filesystem::path& directory);

/// Whether something is there, links followed. Throws Failure(system_refused) where nobody can look.
bool is_present(const std::filesystem::path& path);
/// Bind mounts count; false for a path that does not exist.
bool is_mount_point(const std::filesystem::path& directory);
bool is_writable(const std::filesystem::path& directory);
/// Whether an absolute path is a directory, or below it, by their names alone. Nothing lies in an empty path.
bool lies_in(const std::filesystem::path& path, const std::filesystem::path& directory);
/// Whether both names lead to one place, links followed, be it there or not. By the names alone where nobody can look.
bool is_same_place(const std::filesystem::path& one, const std::filesystem::path& other);
/// Whether a rename from one to the other can work: same device and same mount. The nearest existing parent counts.
/// Throws Failure(system_refused) where the mount cannot be looked at.
bool same_file_system(const std::filesystem::path& one, const std::filesystem::path& other);
/// The identity of a mounted file system. It changes with each unmount, and is the same in every container; empty if
/// there is no block device below (network, Btrfs, overlay). It is the inode that sysfs gives a mounted ext4 or XFS. A
/// mount id would not do: the kernel reuses it, and it differs between containers.
std::string file_system_instance(const std::filesystem::path& path);
/// Bytes that an unprivileged process may still write; those of the nearest existing parent if the path does not exist
/// yet.
unsigned long long free_bytes(const std::filesystem::path& path);

/// The bytes of the files below a directory, links not followed, as far as they can be looked at.
std::uint64_t bytes_in(const std::filesystem::path& directory);

/// Whether it lies on a file system of one of these types, by their numbers in statfs(2); the nearest directory that is
/// there counts. False where that cannot be told.
bool is_on_one_of(const std::filesystem::path& path, std::initializer_list<std::uint64_t> types);
constexpr std::uint64_t type_of_btrfs = 0x9123683E;

/// Whether what is written there takes memory (tmpfs, ramfs).
bool is_in_memory(const std::filesystem::path& path);

/// Whether files may take less space on the disk than they have bytes (ZFS, Btrfs, bcachefs).
bool may_compress(const std::filesystem::path& path);

void sync_directory(const std::filesystem::path& directory);
/// Calls fsync for every regular file and directory below each root, several at once. Symbolic links inside a root are
/// not followed (name their targets as roots). Any error is fatal: Failure(system_refused) that names the file. Stops
/// when interrupted, which an error goes before. `on_progress` is told again and again how many of them are done.
using OnSynced = std::function<void(std::size_t done, std::size_t all)>;
void sync_tree(const std::vector<std::filesystem::path>& roots, const OnSynced& on_progress = {});

/// Lets the kernel forget what it holds in memory of the files below each root, as far as that is written: whoever
/// reads them then reads the disk. Links are not followed, and what cannot be opened is passed over.
void forget_cached(const std::vector<std::filesystem::path>& roots);

/// A directory with a short name for sockets, mode 0700. It is removed with its content at the end of its life.
class PrivateDirectory {
  public:
    /// In TMPDIR, or in /tmp if that is not set, relative or too long for a socket. Throws Failure(preflight_refused).
    PrivateDirectory();
    ~PrivateDirectory();
    PrivateDirectory(const PrivateDirectory&) = delete;
    PrivateDirectory& operator=(const PrivateDirectory&) = delete;
    const std::filesystem::path& path() const { return path_; }
    /// Its path. Nothing is flushed: nobody wants it after this process. Throws Failure(system_refused).
    std::filesystem::path write(const std::string& name, std::string_view content) const;

  private:
    std::filesystem::path path_;
};

/// Tells one directory from another at the same place, also after a reboot: its inode and when that was made, as the
/// roots of two file systems may have one inode number. Empty for what is no directory, as the end of a file link,
/// which may be replaced.
std::optional<std::string> birth_of(const std::filesystem::path& directory);

/// Whether two of these are one: of a time that only one of them has nothing is known, as a file system may tell it
/// since an update.
bool is_same_birth(std::string_view one, std::string_view other);

/// The mount points of file systems that are another machine's, or another process's, or are mounted by looking at them
/// (proc_pid_mountinfo(5)): while that does not answer, a look at one blocks for ever. From /proc/self/mountinfo.
std::set<std::filesystem::path> remote_mounts();
/// The same in such a text.
std::set<std::filesystem::path> remote_mounts_in(std::string_view mountinfo);

/// `/srv/data` of `/srv/data/`: a slash at the end stays where the directory is absent, and would make another one of
/// it.
std::filesystem::path without_last_slash(std::filesystem::path path);

/// Whether the way to `path` (absolute) passes one of these directories, links followed by their texts alone: nothing
/// behind it is looked at. A loop of links does.
bool leads_into(const std::filesystem::path& path, const std::set<std::filesystem::path>& directories);

}  // namespace patroni_pgbackrest::system
