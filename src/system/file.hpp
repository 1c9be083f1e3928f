#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::system {

/// The whole file. Throws Failure(usage) naming the path when it cannot be read.
std::string read_file(const std::filesystem::path& path);
/// Empty when the file does not exist; throws as read_file otherwise.
std::optional<std::string> read_file_if_present(const std::filesystem::path& path);

/// Replaces the file as a whole or not at all: temporary beside the target, owner and mode of the old file (else
/// `mode`), fsync, rename, fsync of the directory. A symbolic link is followed. Throws Failure(internal_error) naming
/// the path, and leaves no temporary behind.
void replace_file(const std::filesystem::path& path, std::string_view content, int mode = 0600);

/// Removes a file that may be absent, then makes that durable. Throws Failure(internal_error).
void remove_file(const std::filesystem::path& path);

/// What lies directly in a directory, by name, `.` and `..` excepted, sorted. Throws Failure(unsafe) if unreadable.
std::vector<std::string> entries(const std::filesystem::path& directory);

bool is_empty_or_absent(const std::filesystem::path& directory);
/// Bind mounts included; false for what does not exist.
bool is_mount_point(const std::filesystem::path& directory);
bool is_writable(const std::filesystem::path& directory);
/// Whether a rename can go from one to the other: one device and one mount. The nearest existing parent counts.
bool same_file_system(const std::filesystem::path& one, const std::filesystem::path& other);
/// Another one after each unmount, the same in every container; empty when no block device is below (network, Btrfs,
/// overlay). It is the inode that sysfs gives a mounted ext4 or XFS. A mount id is given out again by the kernel, and
/// differs between containers.
std::string file_system_instance(const std::filesystem::path& path);
/// Bytes an unprivileged process may still write; of the nearest existing parent when the path does not exist yet.
unsigned long long free_bytes(const std::filesystem::path& path);

/// Whether files may take less room on the disk than they have bytes (ZFS, Btrfs, bcachefs).
bool may_compress(const std::filesystem::path& path);

void sync_directory(const std::filesystem::path& directory);
/// fsync of every regular file and directory below each root, symbolic links inside a root not followed (name their
/// targets as roots), several at once. Any error is fatal: Failure(internal_error) naming the file. Stops when
/// interrupted.
void sync_tree(const std::vector<std::filesystem::path>& roots);

/// A directory with a short name for sockets, mode 0700, removed with what is in it at the end of its life.
class PrivateDirectory {
  public:
    /// Below TMPDIR or /tmp. Throws Failure(internal_error).
    PrivateDirectory();
    ~PrivateDirectory();
    PrivateDirectory(const PrivateDirectory&) = delete;
    PrivateDirectory& operator=(const PrivateDirectory&) = delete;
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace patroni_pgbackrest::system
