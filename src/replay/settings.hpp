#pragma once

#include "plan/plan.hpp"
#include "postgres/configuration.hpp"
#include "postgres/control_data.hpp"

#include <cstdint>
#include <vector>

namespace patroni_pgbackrest {

/// What the machine can spare for a replay.
struct ReplayResources {
    std::uint64_t memory = 0;  ///< bytes available
    std::uint64_t disk = 0;    ///< bytes free where staging lies
    unsigned processors = 1;
};

/// Settings of the private server that have nothing to do with the target: sizes, and what must not be lower than on
/// the source (pg_control's values, which can rise during the replay).
std::vector<postgres::Setting> server_settings(const postgres::ControlData& control, const ReplayResources& resources,
                                               const std::string& preload_libraries);

/// The recovery's own: restore_command, target, timeline (always a number) and action.
std::vector<postgres::Setting> recovery_settings(const RecoveryTarget& target, postgres::Timeline timeline,
                                                 const std::string& restore_command);

/// `'/path/patroni_pgbackrest' archive-get %f "%p"`, quoted for the shell that runs it.
std::string guard_command();

/// Bytes for pgBackRest's queue of fetched segments: 1 GiB, or an eighth of the free disk when that is less.
std::uint64_t archive_get_queue(std::uint64_t free_disk);

}  // namespace patroni_pgbackrest
