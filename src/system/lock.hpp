#pragma once

#include "system/descriptor.hpp"

#include <chrono>
#include <filesystem>
#include <vector>

namespace patroni_pgbackrest::system {

/// An exclusive flock on a file. The kernel releases it when the process ends, however it ends. Children do not inherit
/// it.
class Lock {
  public:
    /// Waits until the holder is gone, and logs for whom it waits. Throws on interruption, and Failure(system_refused)
    /// if the file cannot be made.
    explicit Lock(const std::filesystem::path& path);
    ~Lock();
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

  private:
    int descriptor_;
};

/// An exclusive flock on a file that each of its writers replaces by another, for as long as the descriptor lives.
/// Where there is no file, an empty one is made. Not open where it cannot be opened, or somebody else holds it for
/// longer than `at_most`; where the file system has no locks it is open all the same.
Descriptor lock_for_replacing(const std::filesystem::path& file, std::chrono::milliseconds at_most);

/// Exclusive flocks on directories themselves, which leave no file in them, for as long as this lives.
class DirectoryLocks {
  public:
    /// False when another process holds it. A directory that is not there, or whose file system has no locks, counts as
    /// free; one that is held here already is.
    bool take(const std::filesystem::path& directory);
    /// Whether any is held, which others can see.
    bool hold_any() const { return !held_.empty(); }

  private:
    std::vector<Descriptor> held_;
};

/// Whether somebody holds a flock on a file or directory, in whatever container. False where it cannot be opened.
bool is_locked(const std::filesystem::path& path);

}  // namespace patroni_pgbackrest::system
