#pragma once

#include "postgres/configuration.hpp"
#include "postgres/control_data.hpp"
#include "staging/scratch.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

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

/// What the server of a kept cluster needs to come up, whatever configuration the source had, and to stay quiet beside
/// production. `origins`: how many replication origins there are.
std::vector<postgres::Setting> settings_to_look_at(const postgres::ControlData& control, int major_version,
                                                   std::uint64_t origins);

/// Makes a rehearsed cluster one that can be started by hand beside production: with a configuration of its own in the
/// scratch directory, on a socket there, without archiving and without what subscribes elsewhere. What its ALTER SYSTEM
/// said is kept in postgresql.auto.conf.source. Returns what to tell: how it is started, reached and removed.
std::string make_startable(const ScratchDirectory& scratch, const std::filesystem::path& data_directory,
                           const std::filesystem::path& bin_directory);

}  // namespace patroni_pgbackrest::commands
