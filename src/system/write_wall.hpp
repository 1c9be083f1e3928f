#pragma once

#include "system/descriptor.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace patroni_pgbackrest::system {

/// The version of the kernel's Landlock interface: 1 with Linux 5.13. 0 where it is missing, switched off, or
/// forbidden.
int landlock_version();

/// Keeps a process and everything that it starts from writing, making, removing and renaming anywhere but in a few
/// directories, for good (Landlock). What it may read and execute stays as it is; so do a file's owner, permissions
/// and times, which Landlock does not know. The process cannot gain privileges any more: setuid programs run without
/// theirs (landlock_restrict_self(2)).
class WriteWall {
  public:
    /// Around these directories and files; one that is not there cannot be written to later either. /dev/null and
    /// shared memory (/dev/shm) may always be. Empty where the kernel has no Landlock. Throws
    /// Failure(preflight_refused) when it has, and refuses.
    static std::optional<WriteWall> around(const std::vector<std::filesystem::path>& writable);

    /// For stand_behind().
    int number() const { return rules_.number(); }

  private:
    explicit WriteWall(Descriptor rules) : rules_(std::move(rules)) {}
    Descriptor rules_;
};

/// Puts the calling process behind a wall. False with errno set when the kernel refuses. May be called between fork and
/// exec.
bool stand_behind(int wall);

}  // namespace patroni_pgbackrest::system
