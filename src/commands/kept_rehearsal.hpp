#pragma once

#include "staging/scratch.hpp"

#include <filesystem>
#include <string>

namespace patroni_pgbackrest::commands {

/// Makes a rehearsed cluster one that can be started by hand beside production: with a configuration of its own in the
/// scratch directory, on a socket there, without archiving and without what subscribes elsewhere. What its ALTER SYSTEM
/// said is kept in postgresql.auto.conf.source. Returns what to tell: how it is started, reached and removed.
std::string make_startable(const ScratchDirectory& scratch, const std::filesystem::path& data_directory,
                           const std::filesystem::path& bin_directory);

}  // namespace patroni_pgbackrest::commands
