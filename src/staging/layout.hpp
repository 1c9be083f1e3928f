#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

struct Journal;

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

/// Where the journal of a data directory may lie: beside it, and in it.
std::vector<std::filesystem::path> journals_of(const std::filesystem::path& data_directory);

/// Refuses, before anything is made, a data directory that holds anything and a staging directory that is not ours.
/// Throws Failure(unsafe).
void refuse_somebodys_data(const Layout& layout);

/// Whether an earlier run was interrupted when all of its data was in place, and it is there still.
bool hand_over_is_done(const Layout& layout);

/// Changes what the journal says, if there is one, under the lock, since a bootstrap may be at work.
void change_journal(const Layout& layout, const std::function<void(Journal&)>& change);

/// Moves back into the staging directory what an interrupted run had put in place of a part of its data: it is whole
/// again then, and the data directory is one for which Patroni calls a bootstrap method. Throws Failure(unsafe).
void undo_hand_over(const Layout& layout);

/// The order in which single entries go into place: global/ comes last, since nothing can be started without its
/// pg_control, and PG_VERSION first, so that a staging directory which has it is whole.
std::vector<std::string> in_order_of_hand_over(std::vector<std::string> entries);

/// Removes what an earlier run left beside the data directory, when the cluster lives: everything but the source's
/// patroni.dynamic.json.
void forget(const Layout& layout);

/// Removes the staging directory and everything that belongs to the run, unless another run has finished it meanwhile.
void remove_unfinished(const Layout& layout);

}  // namespace patroni_pgbackrest
