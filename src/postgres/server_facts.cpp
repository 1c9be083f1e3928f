#include "postgres/server_facts.hpp"

#include "postgres/client.hpp"
#include "postgres/configuration.hpp"
#include "system/text.hpp"

#include <nlohmann/json.hpp>

namespace patroni_pgbackrest::postgres {

using nlohmann::json;

namespace {

/// Until the first checkpoint after a promotion, pg_control still has the old timeline, so the WAL position is used. A
/// postgresql.conf that Patroni wrote is recognised by its first lines (ConfigWriter.__enter__ in Patroni's config.py,
/// 2.0 to 4.1).
constexpr const char* query = R"(BEGIN READ ONLY;
SET LOCAL search_path = pg_catalog;
SET LOCAL DateStyle = 'ISO';
WITH wal AS (
  SELECT CASE WHEN pg_is_in_recovery() THEN (SELECT upper(lpad(to_hex(timeline_id), 8, '0')) FROM pg_control_checkpoint())
         ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS timeline),
left_over AS (
  SELECT json_build_object('name', name, 'file', sourcefile) AS setting FROM pg_file_settings
  WHERE lower(name) IN ({names}) AND coalesce(setting, '') <> ''
    AND (sourcefile <> current_setting('config_file')
         OR pg_read_file(current_setting('config_file'), 0, 200, true) NOT LIKE '%overwritten by Patroni%')),
signals AS (
  SELECT name FROM unnest(ARRAY['recovery.signal', 'standby.signal']) AS name
  WHERE (SELECT size FROM pg_stat_file(name, true)) IS NOT NULL)
SELECT json_build_object(
  'in_recovery', pg_is_in_recovery(),
  'version', current_setting('server_version'),
  'system_identifier', (SELECT system_identifier::text FROM pg_control_system()),
  'timeline', timeline,
  'history', pg_read_file('pg_wal/' || timeline || '.history', 0, 1000000, true),
  'data_directory', current_setting('data_directory'),
  'checksums', current_setting('data_checksums'),
  'archiving', json_build_object('archive_mode', current_setting('archive_mode'),
    'archive_command', current_setting('archive_command'), 'archive_library', current_setting('archive_library', true)),
  'recovery_settings', coalesce((SELECT json_agg(setting) FROM left_over), '[]'),
  'signal_files', coalesce((SELECT json_agg(name) FROM signals), '[]'),
  'history_archived',
    (SELECT size FROM pg_stat_file('pg_wal/archive_status/' || timeline || '.history.done', true)) IS NOT NULL,
  'last_archived', coalesce(last_archived_wal, ''),
  'last_failed', CASE WHEN last_failed_time > coalesce(last_archived_time, '-infinity') THEN last_failed_wal ELSE '' END
) FROM wal, pg_stat_archiver;
COMMIT;
)";

ServerFacts facts_in(const json& content) {
    ServerFacts facts;
    facts.in_recovery = content.at("in_recovery");
    facts.version = content.at("version");
    facts.system_identifier = content.at("system_identifier");
    facts.timeline.number =
        static_cast<std::uint32_t>(system::number(content.at("timeline").get<std::string>(), 16).value_or(0));
    if (!content.at("history").is_null()) {
        facts.history = content.at("history").get<std::string>();
    }
    facts.data_directory = content.at("data_directory").get<std::string>();
    facts.checksums = content.at("checksums") == "on";
    for (const auto& [name, value] : content.at("archiving").items()) {
        if (!value.is_null()) {
            facts.archiving[name] = value.get<std::string>();
        }
    }
    for (const auto& setting : content.at("recovery_settings")) {
        facts.recovery_settings.push_back({setting.at("name"), setting.at("file")});
    }
    facts.signal_files = content.at("signal_files").get<std::vector<std::string>>();
    facts.history_archived = content.at("history_archived");
    facts.last_archived = content.at("last_archived");
    facts.last_failed = content.at("last_failed").is_null() ? "" : content.at("last_failed").get<std::string>();
    return facts;
}

}  // namespace

std::string server_facts_statements() {
    std::vector<std::string> names;
    for (const auto& name : recovery_settings()) {
        names.push_back(sql_literal(name));
    }
    std::string statements = query;
    const std::string_view place = "{names}";
    return statements.replace(statements.find(place), place.size(), system::join(names, ", "));
}

std::optional<ServerFacts> server_facts_in(std::string_view output) {
    try {
        return facts_in(json::parse(output.substr(0, output.find('\n'))));
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

}  // namespace patroni_pgbackrest::postgres
