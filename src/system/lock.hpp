#pragma once

#include <filesystem>

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

}  // namespace patroni_pgbackrest::system
