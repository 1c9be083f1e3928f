#include "replay/settings.hpp"

#include "postgres/binaries.hpp"
#include "system/file.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <system_error>

namespace patroni_pgbackrest {

namespace {

constexpr std::uint64_t mebibyte = 1ULL << 20;
constexpr std::uint64_t gibibyte = 1ULL << 30;

std::string megabytes(std::uint64_t bytes) {
    return fmt::format("{}MB", bytes / mebibyte);
}

std::uint64_t shared_buffers_for(const ReplayResources& resources) {
    return std::clamp(resources.memory / 4, 128 * mebibyte, 2 * gibibyte);
}

/// A parameter that nothing but time hangs on.
struct Tuning {
    const char* name;
    int first_version;  ///< the first major version that has it
    /// Empty: PostgreSQL's default is left.
    std::optional<std::string> (*value)(const ReplayResources& resources);
};

constexpr int version_with_prefetch = 15;

constexpr Tuning tunings[] = {
    {"shared_buffers", postgres::oldest_supported_major,
     [](const ReplayResources& resources) { return std::optional(megabytes(shared_buffers_for(resources))); }},
    // A restartpoint writes pages that the replay changes again; max_wal_size asks for those that the disk needs.
    {"checkpoint_timeout", postgres::oldest_supported_major,
     [](const ReplayResources& /*resources*/) { return std::optional<std::string>("30min"); }},
    // With it each page that shared_buffers lacks costs a posix_fadvise before it is read (PrefetchSharedBuffer), in
    // vain where the kernel has the page in memory.
    {"recovery_prefetch", version_with_prefetch,
     [](const ReplayResources& resources) {
         return fits_into_memory(resources) ? std::optional<std::string>("off") : std::nullopt;
     }},
};

}  // namespace

bool fits_into_memory(const ReplayResources& resources) {
    return resources.database > 0 && resources.database + shared_buffers_for(resources) <= resources.memory;
}

std::vector<postgres::Setting> tuned_settings(int major_version, const ReplayResources& resources) {
    std::vector<postgres::Setting> settings;
    for (const auto& tuning : tunings) {
        const auto value = major_version >= tuning.first_version ? tuning.value(resources) : std::nullopt;
        if (value) {
            settings.push_back({tuning.name, *value});
        }
    }
    return settings;
}

std::vector<postgres::Setting> server_settings(const postgres::ControlData& control, int major_version,
                                               const ReplayResources& resources, const std::string& preload_libraries) {
    const auto two_segments = 2 * control.segment_size.bytes;  // the least that PostgreSQL accepts for both
    const auto min_wal_size = two_segments;
    // Restored segments stay in pg_wal until a restartpoint, so this also bounds what the replay needs on disk.
    const auto max_wal_size = std::max(std::min(resources.wal_disk / 4, 16 * gibibyte), two_segments);
    std::vector<postgres::Setting> settings{
        // Off, staging can be thrown away; everything is synchronised before the hand-over.
        {"fsync", resources.flushes ? "on" : "off"},
        {"max_wal_size", megabytes(max_wal_size)},
        {"min_wal_size", megabytes(min_wal_size)},
        {"archive_mode", "on"},  // the new history file and segments wait as .ready for Patroni's server
        {"archive_command", ""},
        {"hot_standby", "off"},
        // What follows is written into the new timeline's first WAL when it differs from pg_control
        // (XLogReportParameters), and a hot standby with less pauses there, or ends (CheckRequiredParameterValues).
        {"wal_level",
         control.wal_level == "minimal" ? "replica" : control.wal_level},  // with which nothing is archived
        {"wal_log_hints", control.wal_log_hints ? "on" : "off"},
        // Not compared by any standby; off would erase the source's commit timestamps for good, also where the source
        // has turned it on after the backup (CompleteCommitTsInitialization).
        {"track_commit_timestamp", "on"},
        {"superuser_reserved_connections", "0"},  // must be less than max_connections
    };
    for (const auto& [name, limit] : control.limits()) {
        settings.push_back({name, std::to_string(limit)});
    }
    if (!preload_libraries.empty()) {
        settings.push_back({"shared_preload_libraries", preload_libraries});
    }
    const auto tuned = tuned_settings(major_version, resources);
    settings.insert(settings.end(), tuned.begin(), tuned.end());
    return settings;
}

bool reads_ahead(int major_version, const std::vector<postgres::Setting>& settings) {
    return major_version >= version_with_prefetch &&
           std::none_of(settings.begin(), settings.end(), [](const postgres::Setting& setting) {
               return setting.name == "recovery_prefetch" && setting.value == "off";
           });
}

postgres::Setting setting_for_origins(int major_version, std::uint64_t origins) {
    constexpr std::uint64_t more_in_the_wal = 1000;
    const std::string name =
        major_version < first_with_setting_for_origins ? "max_replication_slots" : "max_active_replication_origins";
    return {name, std::to_string(origins + more_in_the_wal)};
}

std::uint64_t replication_origins_in(const std::filesystem::path& data_directory) {
    // A magic number, a ReplicationStateOnDisk for each origin, a checksum (CheckPointReplicationOrigin).
    constexpr std::uint64_t around = 8, of_each = 16;
    std::error_code error;
    const auto size = std::filesystem::file_size(data_directory / "pg_logical" / "replorigin_checkpoint", error);
    return error || size < around ? 0 : (size - around) / of_each;
}

std::uint64_t prepared_transactions_in(const std::filesystem::path& data_directory) {
    const auto names = system::entries(data_directory / "pg_twophase");
    return static_cast<std::uint64_t>(std::count_if(names.begin(), names.end(), [](const std::string& name) {
        return name.find_first_not_of("0123456789ABCDEF") == std::string::npos;
    }));
}

std::vector<postgres::Setting> settings_beside_production(int major_version) {
    constexpr int first_with_login_triggers = 17;
    std::vector<postgres::Setting> settings{{"huge_pages", "off"}};  // they are reserved for that server
    if (major_version >= first_with_login_triggers) {
        settings.push_back({"event_triggers", "off"});
    }
    return settings;
}

std::vector<postgres::Setting> recovery_settings(const RecoveryTarget& target, postgres::Timeline timeline,
                                                 const std::string& restore_command) {
    std::vector<postgres::Setting> settings{{"restore_command", restore_command},
                                            {"recovery_target_timeline", timeline.text()},
                                            {"recovery_target_action", "promote"}};
    if (!target.is_latest()) {
        settings.push_back({target.parameter(), target.is_immediate() ? "immediate" : target.value()});
        settings.push_back({"recovery_target_inclusive", target.exclusive ? "off" : "on"});
    }
    return settings;
}

std::filesystem::path fullest_place(const std::filesystem::path& data_directory,
                                    const std::vector<std::filesystem::path>& others) {
    std::error_code error;
    auto fullest = data_directory;
    const auto consider = [&](const std::filesystem::path& place) {
        if (system::free_bytes(place) < system::free_bytes(fullest)) {
            fullest = place;
        }
    };
    if (const auto wal = std::filesystem::canonical(data_directory / "pg_wal", error); !error) {
        consider(wal);
    }
    std::for_each(others.begin(), others.end(), consider);
    return fullest;
}

std::vector<std::filesystem::path> tablespaces_of(const std::filesystem::path& data_directory) {
    std::vector<std::filesystem::path> places;
    std::error_code error;
    for (const auto& link : std::filesystem::directory_iterator(data_directory / "pg_tblspc", error)) {
        if (const auto place = std::filesystem::canonical(link.path(), error); !error) {
            places.push_back(place);
        }
    }
    return places;
}

std::string guard_command() {
    return postgres::quote_command_word(std::filesystem::canonical("/proc/self/exe").string()) +
           " archive-get %f \"%p\"";
}

std::uint64_t archive_get_queue(std::uint64_t free_disk, std::uint64_t memory) {
    return std::clamp(std::min(free_disk, memory) / 8, 16 * mebibyte, gibibyte);
}

}  // namespace patroni_pgbackrest
