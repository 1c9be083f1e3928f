#pragma once

#include <filesystem>
#include <vector>

namespace patroni_pgbackrest {

/// Where the work is done and how it gets to its place.
struct Layout {
    std::filesystem::path data_directory;  ///< symbolic links resolved
    std::filesystem::path staging;         ///< the data directory in the making
    std::filesystem::path workspace;       ///< our own files beside it: journal, lock, spool
    bool inside = false;                   ///< staging is `PGDATA/.restoring`

    std::filesystem::path journal() const { return workspace / "journal.json"; }
    std::filesystem::path lock() const { return workspace / "lock"; }
    std::filesystem::path resume_lock() const { return workspace / "resume-lock"; }
    std::filesystem::path failure() const { return workspace / "failure.json"; }
    std::filesystem::path status() const { return workspace / "status.json"; }
    /// Before it takes the place of the one before; left by a kill.
    std::filesystem::path unfinished_status() const { return workspace / "status.json.new"; }
    /// What restores took here. It outlives what belongs to one of them, and the data directory's own disk.
    std::filesystem::path history() const;
    /// What ALTER SYSTEM has left in the copy, while a private server is kept from it (replay/auto_conf.hpp).
    std::filesystem::path kept_auto_conf() const { return workspace / "postgresql.auto.conf"; }
    std::filesystem::path spool() const { return workspace / "spool"; }
    std::filesystem::path pgbackrest_lock() const { return workspace / "pgbackrest-lock"; }
    /// The clone of the copy (staging/kept_base.hpp), and its name from the moment on at which it counts for nothing.
    std::filesystem::path base() const { return workspace / "base"; }
    std::filesystem::path unwanted_base() const { return workspace / "base.removed"; }
};

/// `PGDATA.restoring` beside the data directory; `PGDATA/.restoring` where that is a mount point or its parent is not
/// writable, so that both are on one file system. Throws Failure(preflight_refused) when neither can be, or when what
/// is in the workspace is another user's.
Layout choose_layout(const std::filesystem::path& data_directory);

/// That of a data directory whose links are resolved, with what is ours in it or beside it.
Layout layout_of(const std::filesystem::path& data_directory, bool inside);

/// Where the journal of a data directory may lie: beside it, and in it.
std::vector<std::filesystem::path> journals_of(const std::filesystem::path& data_directory);

/// What lies in a directory, but for what leads to another machine: a look at that may never come back. A directory
/// that is itself on another machine is looked at. None where there is no directory, or this user may not read it.
/// Throws Failure(system_refused) for any other error.
std::vector<std::filesystem::path> local_entries(const std::filesystem::path& directory);

/// The data directories beside this one of which a restore lies there, finished or not: those with a journal.
std::vector<std::filesystem::path> restored_neighbours(const std::filesystem::path& data_directory);

/// PostgreSQL starts in nobody else's directory. Throws Failure(preflight_refused) naming the owner.
void refuse_others_staging(const Layout& layout);

/// Refuses, before anything is made, another user's staging directory, a data directory that holds anything and a
/// staging directory that is not ours, or a link or a mount point. Throws Failure(unsafe), and
/// as refuse_others_staging().
void refuse_somebodys_data(const Layout& layout);

/// Makes a directory with mode 0700, or gives it that mode. Throws Failure(system_refused).
void make_private(const std::filesystem::path& directory);

/// A source that was itself restored into a mount point has its workspace in the backup: removes it from the copy.
void remove_inherited_workspace(const std::filesystem::path& staging);

}  // namespace patroni_pgbackrest
