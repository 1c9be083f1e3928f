#pragma once

#include "staging/layout.hpp"
#include "system/failure.hpp"
#include "system/lock.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// What lies at a path that somebody names as a scratch directory.
enum class ScratchState {
    usable,       ///< absent, or empty but for lost+found
    interrupted,  ///< what a rehearsal left that was killed
    kept,         ///< what one left that was told to keep it
    newer,        ///< what a newer program left, which is not understood here
    foreign,      ///< anything else
};
/// What is there, and for a foreign one the name of something in it that is no rehearsal's, if there is any.
struct FoundScratch {
    ScratchState state = ScratchState::usable;
    std::string stranger{};
};
FoundScratch look_at_scratch(const std::filesystem::path& directory);

/// Why nobody else is kept from changing what lies there; empty when others are, or it is absent.
std::optional<Problem> why_not_private(const std::filesystem::path& directory);

/// The directories that a rehearsal keeps away from: a data directory, and what lies beside it for a restore.
std::vector<std::filesystem::path> kept_away_from(const std::filesystem::path& data_directory);

/// Why a rehearsal may not use a directory, all paths absolute and without links: it is, contains or lies in one of
/// `others`, or is a file system's root. Empty when it may.
std::optional<Problem> why_no_scratch(const std::filesystem::path& directory,
                                      const std::vector<std::filesystem::path>& others);

/// The directory in which a rehearsal restores, for as long as this lives: locked, and with nothing of an earlier one.
/// All that is made lies in one directory in it, which has a mark and is removed at the end; and so is the scratch
/// directory itself where it was made for this.
class ScratchDirectory {
  public:
    /// `history`: the directory that the rehearsals of this user share, so that two never run at once; may be empty.
    /// Throws Failure(unsafe) for a directory that why_no_scratch() or why_not_private() name, that holds anything of
    /// somebody's, that is a server's or lies in what is one's, or that was kept; Failure(lock_held) when another
    /// rehearsal is under way.
    ScratchDirectory(const std::filesystem::path& directory, const std::vector<std::filesystem::path>& others,
                     const std::filesystem::path& history);
    ~ScratchDirectory();
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;

    const std::filesystem::path& path() const { return path_; }
    /// The directory in it that holds all that a rehearsal makes.
    std::filesystem::path own() const;
    /// For a request: never made itself, since nothing is handed over.
    std::filesystem::path data_directory() const { return own() / "data"; }
    std::filesystem::path tablespaces() const { return own() / "tablespaces"; }
    /// For private directories: what a killed rehearsal leaves goes with the rest.
    std::filesystem::path temporary() const { return own() / "tmp"; }

    /// Leaves everything where it is at the end. The next rehearsal refuses to remove it. Throws
    /// Failure(system_refused), and then nothing is kept.
    void keep();

  private:
    std::filesystem::path path_;
    system::DirectoryLocks locks_;
    bool made_ = false, kept_ = false;
};

}  // namespace patroni_pgbackrest
