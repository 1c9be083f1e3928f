#include "replay/settings.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace patroni_pgbackrest {

namespace {

constexpr std::uint64_t mebibyte = 1ULL << 20;
constexpr std::uint64_t gibibyte = 1ULL << 30;

std::string megabytes(std::uint64_t bytes) {
    return fmt::format("{}MB", bytes / mebibyte);
}

}  // namespace

std::vector<postgres::Setting> server_settings(const postgres::ControlData& control, const ReplayResources& resources,
                                               const std::string& preload_libraries) {
    const auto shared_buffers = std::clamp(resources.memory / 4, 128 * mebibyte, 2 * gibibyte);
    // Restored segments stay in pg_wal until a restartpoint, so this also bounds what the replay needs on disk.
    const auto two_segments = 2 * control.segment_size.bytes;  // the least that PostgreSQL accepts for both
    const auto max_wal_size = std::max(std::clamp(resources.disk / 4, gibibyte, 16 * gibibyte), two_segments);
    const auto min_wal_size = std::max(80 * mebibyte, two_segments);
    std::vector<postgres::Setting> settings{
        {"fsync", "off"},  // staging can be thrown away; everything is synchronised before the hand-over
        {"shared_buffers", megabytes(shared_buffers)},
        {"max_wal_size", megabytes(max_wal_size)},
        {"min_wal_size", megabytes(min_wal_size)},
        {"checkpoint_timeout", "30min"},
        {"wal_level", "replica"},
        {"wal_log_hints", "on"},
        {"archive_mode", "on"},  // the new history file and segments wait as .ready for Patroni's server
        {"archive_command", ""},
        {"hot_standby", "off"},
        {"track_commit_timestamp", "on"},  // off would erase the source's commit timestamps for good
        {"max_connections", std::to_string(std::max(control.max_connections, 20))},
        {"max_worker_processes", std::to_string(std::max(control.max_worker_processes, 8))},
        {"max_wal_senders", std::to_string(std::max(control.max_wal_senders, 10))},
        // Recovered prepared transactions need their slots, and the source may have raised the number meanwhile.
        {"max_prepared_transactions", std::to_string(control.max_prepared_transactions * 2 + 100)},
        {"max_locks_per_transaction", std::to_string(std::max(control.max_locks_per_transaction, 64))},
    };
    if (!preload_libraries.empty()) {
        settings.push_back({"shared_preload_libraries", preload_libraries});
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

std::string guard_command() {
    return postgres::quote_command_word(std::filesystem::canonical("/proc/self/exe").string()) +
           " archive-get %f \"%p\"";
}

std::uint64_t archive_get_queue(std::uint64_t free_disk) {
    return std::clamp(free_disk / 8, 16 * mebibyte, gibibyte);
}

}  // namespace patroni_pgbackrest
