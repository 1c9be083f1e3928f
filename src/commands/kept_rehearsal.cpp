#include "commands/kept_rehearsal.hpp"

#include "postgres/binaries.hpp"
#include "replay/settings.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <system_error>

namespace patroni_pgbackrest::commands {

namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& file) {
    std::error_code error;
    return fs::exists(fs::symlink_status(file, error));
}

}  // namespace

/// The pg_control of a backup says `in production` as well, until the recovery begins: then backup_label is there.
Restored what_was_restored(const fs::path& data_directory) {
    using postgres::ClusterState;
    const auto control = postgres::read_control_file(data_directory);
    if (!control) {
        return Restored::nothing;
    }
    const bool is_primary = control->state == ClusterState::in_production ||
                            control->state == ClusterState::shutting_down || control->state == ClusterState::shut_down;
    const bool is_recovered =
        is_primary && !is_there(data_directory / "backup_label") && !is_there(data_directory / "recovery.signal");
    return is_recovered ? Restored::cluster : Restored::copy;
}

std::string words_of_kept_copy(const ScratchDirectory& scratch) {
    return fmt::format("what was copied is kept in {}; its recovery has not ended: look at it, and do not start it\n"
                       "remove it: rm -r {}",
                       scratch.own().string(), system::shell_word(scratch.own().string()));
}

/// PostgreSQL accepts two segments as the least of both WAL sizes, which its own defaults do not reach where segments
/// are large.
std::vector<postgres::Setting> settings_to_look_at(const postgres::ControlData& control, int major_version,
                                                   std::uint64_t origins) {
    constexpr std::uint64_t mebibyte = 1ULL << 20;
    constexpr std::uint64_t usual_most = 1024;
    const auto two_segments = 2 * control.segment_size.bytes / mebibyte;
    std::vector<postgres::Setting> settings{
        {"archive_mode", "off"},
        {"max_logical_replication_workers", "0"},
        {"shared_preload_libraries", ""},
        {"max_prepared_transactions", std::to_string(control.max_prepared_transactions)},
        {"min_wal_size", fmt::format("{}MB", two_segments)},
        {"max_wal_size", fmt::format("{}MB", std::max(two_segments, usual_most))},
        setting_for_origins(major_version, origins),
    };
    const auto more = settings_beside_production(major_version);
    settings.insert(settings.end(), more.begin(), more.end());
    return settings;
}

std::string make_startable(const ScratchDirectory& scratch, const fs::path& data_directory,
                           const fs::path& bin_directory) {
    const auto control = postgres::read_control_data(bin_directory, data_directory);
    const auto file = scratch.own() / "postgresql.conf";
    std::vector<postgres::Setting> settings{
        {"hba_file", (scratch.own() / "pg_hba.conf").string()},
        {"ident_file", (scratch.own() / "pg_ident.conf").string()},
        {"listen_addresses", ""},
        {"unix_socket_directories", scratch.path().string()},
        {"unix_socket_permissions", "0700"},
        {"port", "5432"},
    };
    const auto more =
        settings_to_look_at(control, postgres::major_version(data_directory), replication_origins_in(data_directory));
    settings.insert(settings.end(), more.begin(), more.end());
    std::string text;
    for (const auto& setting : settings) {
        text += fmt::format("{} = {}\n", setting.name, postgres::quote_value(setting.value));
    }
    system::replace_file(file, text);
    system::replace_file(scratch.own() / "pg_hba.conf", "local all all trust\n");
    system::replace_file(scratch.own() / "pg_ident.conf", "");
    const auto altered = data_directory / "postgresql.auto.conf";
    if (const auto content = system::read_file_if_present(altered)) {
        system::replace_file(data_directory / "postgresql.auto.conf.source", *content);
        system::replace_file(altered, "");
    }
    const auto word = [](const fs::path& path) { return system::shell_word(path.string()); };
    return fmt::format("the rehearsed cluster is kept, and archives nothing\n"
                       "start it: {} -D {} -c config_file={}\n"
                       "reach it: psql -h {} -p 5432 postgres\n"
                       "remove it, when its server is stopped: rm -r {}",
                       word(bin_directory / "postgres"), word(data_directory), word(file), word(scratch.path()),
                       word(scratch.own()));
}

}  // namespace patroni_pgbackrest::commands
