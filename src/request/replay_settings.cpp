#include "request/replay_settings.hpp"

#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <string>

namespace patroni_pgbackrest {

namespace {

/// Parameters with the same reason. One that ends with `*` stands for all that begin so.
struct Reserved {
    std::string_view names;  ///< separated by blanks
    std::string_view hint;   ///< empty: anybody may set them
};

/// The first row that has a name counts.
constexpr Reserved reserved_parameters[] = {
    {"log_checkpoints log_startup_progress_interval", {}},
    {"restore_command recovery_target* recovery_end_command recovery_min_apply_delay primary_* promote_trigger_file "
     "hot_standby* wal_receiver_*",
     "leave it out: what is replayed is said with type, target and target-timeline"},
    {"archive_*", "leave it out: nothing is archived before the hand-over, and nothing that waits for it is lost"},
    {"wal_level wal_log_hints track_commit_timestamp full_page_writes max_connections max_worker_processes "
     "max_wal_senders max_prepared_transactions max_locks_per_transaction superuser_reserved_connections "
     "reserved_connections",
     "leave it out: it has to be what the replayed WAL was written with, as pg_control says"},
    {"data_directory config_file hba_file ident_file external_pid_file listen_addresses port unix_socket_* ssl* "
     "bonjour* krb_* gss_* oauth_* cluster_name",
     "leave it out: nobody but this program reaches the private server"},
    {"log_* logging_collector syslog_* event_source lc_messages debug_print_* debug_pretty_print",
     "leave it out: this program reads the server's log, and no password may stand in it"},
    {"fsync", "leave it out: everything is flushed to disk once, before the hand-over"},
    {"shared_preload_libraries session_preload_libraries local_preload_libraries dynamic_library_path jit_provider",
     "use preload: no library is loaded but what the WAL needs"},
    {"zero_damaged_pages ignore_checksum_failure ignore_invalid_pages ignore_system_indexes allow_system_table_mods "
     "allow_in_place_tablespaces data_sync_retry wal_recycle max_slot_wal_keep_size",
     "leave it out: what is damaged or lost must end the replay"},
    {"autovacuum max_logical_replication_workers sync_replication_slots restart_after_crash exit_on_error "
     "event_triggers",
     "leave it out: the private server replays, and does nothing else"},
    {"password_encryption synchronous_standby_names session_replication_role session_authorization role row_security "
     "search_path client_encoding standard_conforming_strings backslash_quote default_transaction_* "
     "transaction_isolation transaction_read_only transaction_deferrable transaction_timeout statement_timeout "
     "lock_timeout idle_* default_tablespace default_table_access_method",
     "leave it out: the roles of patroni.yml and the probes go through sessions of the private server"},
};

bool stands_for(std::string_view pattern, std::string_view name) {
    return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1)) : name == pattern;
}

/// As PostgreSQL reads `-c` (ParseLongOption and guc_name_compare in guc.c). Empty without a name.
std::optional<postgres::Setting> setting_in(std::string_view text) {
    const auto sign = text.find('=');
    const auto before = text.substr(0, std::min(sign, text.size()));
    auto name = system::lower(system::trim(before));
    std::replace(name.begin(), name.end(), '-', '_');
    if (sign == std::string_view::npos || name.empty()) {
        return std::nullopt;
    }
    return postgres::Setting{name, std::string(system::trim(text.substr(sign + 1)))};
}

}  // namespace

std::vector<postgres::Setting> read_replay_settings(Settings& settings, Recovery recovery) {
    std::vector<postgres::Setting> read;
    const auto given = settings.values("replay-setting");
    if (!given.empty() && recovery == Recovery::patroni) {
        settings.problem(given.front().place,
                         "replay-setting is for a private server, and Patroni's PostgreSQL replays",
                         "leave it out, and set the parameter in postgresql.parameters");
        return read;
    }
    for (const auto& value : given) {
        const auto setting = setting_in(value.text);
        if (!setting) {
            settings.problem(value.place, fmt::format("'{}' is not a value for replay-setting", value.text),
                             "write NAME=VALUE, or NAME= for PostgreSQL's default");
            continue;
        }
        if (const auto hint = why_not_for_a_replay(setting->name); !hint.empty()) {
            settings.problem(value.place, fmt::format("{} is not for replay-setting", setting->name),
                             std::string(hint));
            continue;
        }
        std::erase_if(read, [&](const postgres::Setting& earlier) { return earlier.name == setting->name; });
        read.push_back(*setting);
    }
    return read;
}

std::string_view why_not_for_a_replay(std::string_view name) {
    for (const auto& reserved : reserved_parameters) {
        const auto patterns = system::split(reserved.names, ' ');
        if (std::any_of(patterns.begin(), patterns.end(),
                        [&](const std::string& pattern) { return stands_for(pattern, name); })) {
            return reserved.hint;
        }
    }
    return {};
}

}  // namespace patroni_pgbackrest
