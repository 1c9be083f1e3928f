#pragma once

#include "system/descriptor.hpp"

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
