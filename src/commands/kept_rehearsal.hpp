#pragma once

#include "staging/scratch.hpp"

#include <filesystem>
#include <string>

namespace patroni_pgbackrest::commands {

/// What a rehearsal that failed has left of a data directory.
enum class Restored {
    nothing,  ///< no whole copy: pgBackRest writes pg_control last
    copy,     ///< one whose recovery has not ended
    cluster,  ///< one that a start makes a primary, and that needs nothing of the archive
};
Restored what_was_restored(const std::filesystem::path& data_directory);

/// What to tell of a copy that is kept. Nobody is told how it would be started: that could make tablespaces at their
/// real places.
std::string words_of_kept_copy(const ScratchDirectory& scratch);

/// Makes a rehearsed cluster one that can be started by hand beside production: with a configuration of its own in the
/// scratch directory, on a socket there, without archiving and without what subscribes elsewhere. What its ALTER SYSTEM
/// said is kept in postgresql.auto.conf.source. Returns what to tell: how it is started, reached and removed.
std::string make_startable(const ScratchDirectory& scratch, const std::filesystem::path& data_directory,
                           const std::filesystem::path& bin_directory);

}  // namespace patroni_pgbackrest::commands
