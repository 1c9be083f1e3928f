#pragma once

#include "request/request.hpp"
#include "staging/journal.hpp"
#include "staging/layout.hpp"
#include "system/file.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

namespace patroni_pgbackrest {

class StagingDirectory;

/// Writes the staging directory and its places outside to disk; any error is fatal. The private server ran with fsync
/// off.
void sync_to_disk(const StagingDirectory& staging, const system::OnSynced& on_progress = {});

/// The same, and asks their file systems for errors of which fsync cannot tell any more: see system::WriteErrors. After
/// an error the next run checks against the backup all that was written.
void sync_for_hand_over(StagingDirectory& staging, const system::OnSynced& on_progress = {});

/// After a flush that failed. The kernel tells of a write that failed once, and keeps the page as if it was written:
/// another flush would find no error, and a look at the file would find what is not on the disk. So what is in memory
/// is forgotten, and the next run checks all of it against the backup.
void doubt_what_is_written(StagingDirectory& staging);

/// What a hand-over does to directories and the journal, so that a test can let any call of it fail.
struct HandOverCalls {
    static std::error_code rename_entry(const std::filesystem::path& from, const std::filesystem::path& to);
    static void enter_phase(StagingDirectory& staging, Phase phase);

    std::function<std::error_code(const std::filesystem::path&, const std::filesystem::path&)> rename = rename_entry;
    std::function<void(const std::filesystem::path&)> sync = system::sync_directory;
    std::function<void(StagingDirectory&, Phase)> enter =
        enter_phase;  ///< the last phase; the earlier ones are its own
};

/// Puts what is on disk in place: one rename, or entry by entry with global/ last where the data directory is a mount
/// point or has dotfiles. Goes on with a hand-over that an earlier run began. Of our own files beside it only the
/// journal stays (and the lock, where it does not lie in the data directory). Throws Failure(unsafe) when the data
/// directory holds anything. When a part of it fails, what was moved goes back at once, since Patroni renames what it
/// finds after a bootstrap that failed, or cannot, and takes it for its data at the next start.
void hand_over(StagingDirectory& staging, const HandOverCalls& calls = {});

/// The same for a run that found hand_over_is_done: locks the staging directory, and throws as its constructor does.
void finish_hand_over(const Request& request);

/// Whether an earlier run was interrupted when all of its data was in place, and it is there still.
bool hand_over_is_done(const Layout& layout);

/// Moves back into the staging directory what an interrupted run had put in place of a part of its data: it is whole
/// again then, and the data directory is one for which Patroni calls a bootstrap method. Throws Failure(unsafe).
void undo_hand_over(const Layout& layout);

/// The order in which single entries are put in place: PG_VERSION first, so that a staging directory which has it is
/// whole, and global/ last, since nothing can be started without its pg_control.
std::vector<std::string> in_order_of_hand_over(std::vector<std::string> entries);

}  // namespace patroni_pgbackrest
