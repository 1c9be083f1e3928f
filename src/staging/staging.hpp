#pragma once

#include "plan/plan.hpp"
#include "staging/journal.hpp"
#include "staging/layout.hpp"
#include "system/lock.hpp"

#include <filesystem>
#include <memory>
#include <vector>

namespace patroni_pgbackrest {

/// Writes down that a bootstrap begins on this node, before it is planned: interrupted from here on, it is resumed.
/// Throws Failure(unsafe) as refuse_somebodys_data does.
void begin_anew(const Request& request, const Layout& layout);

/// The bootstrap failed by itself before it copied anything, and Patroni takes the key away: what begin_anew left goes.
/// In a mount point it would keep pg_basebackup from making a replica.
void give_up_plan(const Layout& layout);

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
    /// Whether what the earlier run wrote without fsync is there for certain: no reboot, no unmount since.
    bool is_same_boot() const;

    /// Starts or continues a copy: writes the journal with the targets outside of the data directory. Throws
    /// Failure(unsafe) when one of them holds anything that no earlier run of ours put there.
    void begin_copy(const Request& request, const Plan& plan, const std::vector<std::filesystem::path>& outside);
    void reached(Phase phase);
    /// Keeps for `verify` what was asked and, in standalone mode, where the replay ended; written with the next phase.
    void remember(const Asked& asked, const std::optional<Reached>& where);
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
    std::string boot() const;
    void note_births();
    void move_entries() const;
    void adopt(const std::filesystem::path& directory, const std::vector<std::string>& places);

    Layout layout_;
    std::unique_ptr<system::Lock> lock_;
    std::optional<Journal> earlier_;
    Journal journal_;
};

}  // namespace patroni_pgbackrest
