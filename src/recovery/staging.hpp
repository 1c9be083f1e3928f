#pragma once

#include "recovery/journal.hpp"
#include "recovery/plan.hpp"
#include "system/lock.hpp"

#include <filesystem>
#include <memory>
#include <vector>

namespace patroni_pgbackrest::recovery {

/// Where the work is done and how it gets to its place.
struct Layout {
    std::filesystem::path data_directory;  ///< symbolic links resolved
    std::filesystem::path staging;         ///< the data directory in the making
    std::filesystem::path workspace;       ///< our own files beside it: journal, lock, spool
    bool inside = false;                   ///< staging is `PGDATA/.restoring`

    std::filesystem::path journal() const { return workspace / "journal.json"; }
    std::filesystem::path failure() const { return workspace / "failure.json"; }
    std::filesystem::path spool() const { return workspace / "spool"; }
    std::filesystem::path pgbackrest_lock() const { return workspace / "pgbackrest-lock"; }
};

/// `PGDATA.restoring` beside the data directory; `PGDATA/.restoring` where that is a mount point or its parent is not
/// writable, so that both are on one file system. Throws Failure(preflight_refused) when neither can be.
Layout choose_layout(const std::filesystem::path& data_directory);

/// Refuses, before anything is made, a data directory that holds anything and a staging directory that is not ours.
/// Throws Failure(unsafe).
void refuse_somebodys_data(const Layout& layout);

/// Whether an earlier run was interrupted while its data went into place, and its data is still there to be finished.
bool hand_over_is_unfinished(const Layout& layout);

/// Removes what an earlier run left beside the data directory, when the cluster lives: everything but the source's
/// patroni.dynamic.json.
void forget(const Layout& layout);

/// The directory that an earlier run with this very request handed over, when Patroni could not use it and set it aside
/// (`PGDATA.failed`; 2.0: `PGDATA_2026-11-22-10-00-00`), known by device and inode. Empty when there is none, and when
/// it was in use for more than an hour: what was written in it since may be somebody's only copy.
std::optional<std::filesystem::path> set_aside_by_patroni(const Request& request, const Layout& layout);

/// The staging directory of one restore, for as long as this object lives: locked, and with a journal.
class StagingDirectory {
  public:
    /// Waits for another instance to be gone, then looks at what an earlier run left. Throws Failure(unsafe) when the
    /// data directory holds anything, or the staging directory is not ours.
    explicit StagingDirectory(const Request& request);

    const Layout& layout() const { return layout_; }
    const std::filesystem::path& path() const { return layout_.staging; }
    /// What an earlier run with this very request left; empty when there was none or another one.
    const std::optional<Journal>& earlier() const { return earlier_; }

    /// Starts or continues a copy: writes the journal with the targets outside of the data directory. Throws
    /// Failure(unsafe) when one of them holds anything that no earlier run of ours put there.
    void begin_copy(const Request& request, const Plan& plan, const std::vector<std::filesystem::path>& outside);
    void reached(Phase phase);
    /// Makes the directory that Patroni set aside the staging directory again, as an interrupted copy. Tablespaces and
    /// pg_wal that Patroni renamed with it get their names back. Throws Failure(unsafe) when that cannot be.
    void take_back(const std::filesystem::path& directory);
    /// The same with a directory that the request names: it must be of the same cluster, on the same file system, and
    /// no server may run in it. Throws Failure(unsafe).
    void reuse(const std::filesystem::path& directory, const Plan& plan,
               const std::vector<std::filesystem::path>& outside);
    /// Takes away the journal of a source that was itself restored into a mount point.
    void remove_inherited() const;
    bool is_empty() const;
    unsigned hand_overs() const { return journal_.hand_overs; }
    /// Seconds since 1970; 0 when it never was.
    std::int64_t handed_over_at() const { return journal_.handed_over ? journal_.handed_over->at : 0; }
    Phase phase() const { return journal_.phase; }
    /// Tablespace and link targets, which belong to the copy as the staging directory does.
    std::vector<std::filesystem::path> outside() const;

    /// Writes everything to disk, tablespaces and links too; any error is fatal. The private server ran with fsync off.
    void sync() const;
    /// Puts what is on disk in place: one rename, or entry by entry with global/ last where the data directory is a
    /// mount point or has dotfiles. Our own files beside it go, but for the journal.
    void hand_over();

  private:
    void move_entries() const;
    void adopt(const std::filesystem::path& directory, const std::vector<std::string>& outside);

    Layout layout_;
    std::unique_ptr<system::Lock> lock_;
    std::optional<Journal> earlier_;
    Journal journal_;
};

}  // namespace patroni_pgbackrest::recovery
