#pragma once

#include "request/request.hpp"
#include "staging/layout.hpp"

#include <string>
#include <vector>

namespace patroni_pgbackrest {

class StagingDirectory;

/// Writes the staging directory and its places outside to disk; any error is fatal. The private server ran with fsync
/// off.
void sync_to_disk(const StagingDirectory& staging);

/// Puts what is on disk in place: one rename, or entry by entry with global/ last where the data directory is a mount
/// point or has dotfiles. Goes on with a hand-over that an earlier run began. Of our own files beside it only the
/// journal stays (and the lock, where it does not lie in the data directory). Throws Failure(unsafe) when the data
/// directory holds anything.
void hand_over(StagingDirectory& staging);

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
