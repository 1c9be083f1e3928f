#pragma once

#include "plan/plan.hpp"
#include "postgres/configuration.hpp"
#include "postgres/control_data.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// What the machine can spare for a replay, what is replayed, and whether it may be lost.
struct ReplayResources {
    std::uint64_t memory = 0;    ///< bytes available
    std::uint64_t wal_disk = 0;  ///< bytes free where pg_wal lies
    unsigned processors = 1;
    std::uint64_t database = 0;  ///< bytes of the backup set; 0 where that is not known
    bool flushes = false;        ///< what an interrupted replay has written is believed after another mount of the disk
};

/// Whether memory has room for the whole database beside the server's own buffers, so that the replay reads nothing
/// from the disk: the copy has left it in the page cache.
bool fits_into_memory(const ReplayResources& resources);

/// The parameters that nothing but time hangs on, of those that this major version has; docs/performance.md has what
/// each of them is for.
std::vector<postgres::Setting> tuned_settings(int major_version, const ReplayResources& resources);

/// Settings of the private server that have nothing to do with the target: tuned_settings(), and exactly what
/// pg_control says of the source. It can rise during the replay; where the replay needs that, another start takes it
/// up.
std::vector<postgres::Setting> server_settings(const postgres::ControlData& control, int major_version,
                                               const ReplayResources& resources, const std::string& preload_libraries);

/// Whether PostgreSQL asks for the next segment before it looks whether the target is in this one.
bool reads_ahead(int major_version, const std::vector<postgres::Setting>& settings);

constexpr int first_with_setting_for_origins = 18;

/// Room for the progress of replication origins, which a logical subscriber has one of for each subscription: those
/// that the copy holds and what the WAL adds. pg_control does not tell how many the source allowed, and PostgreSQL does
/// not start with less room than there are (StartupReplicationOrigin in origin.c). Nothing of it is written into the
/// WAL.
postgres::Setting setting_for_origins(int major_version, std::uint64_t origins);

/// How many there are in pg_logical/replorigin_checkpoint of a data directory; 0 without that file.
std::uint64_t replication_origins_in(const std::filesystem::path& data_directory);

/// How many are pending in a data directory behind a checkpoint, which writes each to a file in pg_twophase
/// (CheckPointTwoPhase, also at the end of a recovery; 8 or, from 17 on, 16 hexadecimal digits).
std::uint64_t prepared_transactions_in(const std::filesystem::path& data_directory);

/// Of one that runs beside a server in production, and whose content is only looked at.
std::vector<postgres::Setting> settings_beside_production(int major_version);

/// The recovery's own: restore_command, target, timeline (always a number) and action.
std::vector<postgres::Setting> recovery_settings(const RecoveryTarget& target, postgres::Timeline timeline,
                                                 const std::string& restore_command);

/// Of the data directory, its pg_wal and the others the place that has the least room.
std::filesystem::path fullest_place(const std::filesystem::path& data_directory,
                                    const std::vector<std::filesystem::path>& others = {});

/// Where its tablespaces' links lead, as far as that is there.
std::vector<std::filesystem::path> tablespaces_of(const std::filesystem::path& data_directory);

/// `'/path/patroni_pgbackrest' archive-get %f "%p"`, quoted for the shell that runs it.
std::string guard_command();

/// Bytes for pgBackRest's queue of fetched segments: 1 GiB, or an eighth of the free disk or of the available memory,
/// where they are read from again, when that is less.
std::uint64_t archive_get_queue(std::uint64_t free_disk, std::uint64_t memory);

}  // namespace patroni_pgbackrest
