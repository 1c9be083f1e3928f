#pragma once

#include "system/descriptor.hpp"

#include <filesystem>
#include <sys/types.h>
#include <vector>

namespace patroni_pgbackrest::system {

/// The file systems that are written to, each with a descriptor for as long as this lives, to hear of a write that
/// failed and that no fsync(2) tells of: the kernel notes the error with the file, and forgets a file that is written,
/// closed and nobody's when memory is short. With the file system the error stays noted, and syncfs(2) tells of it to
/// each descriptor once (Linux 5.8 and later, s_wb_err; before, it tells of none). That is of each error since the
/// descriptor was opened, and of an earlier one that nobody was told of yet (errseq_sample() in lib/errseq.c), so also
/// of those between two runs.
class WriteErrors {
  public:
    /// Whether the kernel keeps them so.
    static bool are_kept();

    /// The file system of this directory, or of the nearest one around it where that is absent. One that cannot be
    /// looked at is left out.
    void watch(const std::filesystem::path& directory);

    /// Writes what waits there, and has all errors until now behind it: before anything is written that counts. Warns
    /// of them.
    void forget() const;

    /// Writes what waits there, of whomever. Throws Failure(system_refused) that names a directory of the file system
    /// if anything could not be written. Stops between two file systems when interrupted.
    void refuse() const;

  private:
    struct Watched {
        std::filesystem::path directory;
        dev_t device = 0;
        Descriptor descriptor{};
    };
    std::vector<Watched> watched_{};
};

}  // namespace patroni_pgbackrest::system
