#include "postgres/database_facts.hpp"

#include <nlohmann/json.hpp>

namespace patroni_pgbackrest::postgres {

using nlohmann::json;

namespace {

constexpr const char* content_query = R"(BEGIN READ ONLY;
SET LOCAL search_path = pg_catalog;
SELECT current_setting('server_version_num')::int >= 150000 AS versions, 'NULL' AS recorded, 'NULL' AS actual \gset
\if :versions
SELECT 'datcollversion' AS recorded, 'pg_database_collation_actual_version(oid)' AS actual \gset
\endif
SELECT json_build_object(
  'databases', (SELECT json_agg(json_build_object('name', datname, 'invalid', datconnlimit = -2, 'open', datallowconn,
    'recorded', coalesce(:recorded, ''), 'actual', coalesce(:actual, '')) ORDER BY datname) FROM pg_database),
  'subscriptions', coalesce((SELECT json_agg(json_build_object('name', subname, 'database', datname,
    'slot', coalesce(subslotname, '')) ORDER BY subname)
    FROM pg_subscription JOIN pg_database ON pg_database.oid = subdbid WHERE subenabled), '[]'));
COMMIT;
)";

/// 100 is the default collation (pg_collation.dat). Before 15 no version of it is recorded: initdb recorded, for each
/// locale that the system had, the version of its library (pg_import_system_collations, get_collation_actual_version;
/// 13 and 14, with glibc), and those of the database's locale tell whether that changed. C.UTF-8 has none.
constexpr const char* collation_query = R"(SET statement_timeout = 0;
BEGIN READ ONLY;
SET LOCAL search_path = pg_catalog;
SELECT current_setting('server_version_num')::int >= 150000 AS versions,
  $$SELECT 100::oid, 'default, as ' || quote_ident(c.collname) || ': ' || c.collversion || ', now '
      || pg_collation_actual_version(c.oid)
    FROM pg_collation c JOIN pg_database ON datname = current_database()
      AND lower(replace(c.collcollate, '-', '')) = lower(replace(datcollate, '-', ''))
    WHERE c.collprovider = 'c' AND c.collversion <> pg_collation_actual_version(c.oid)$$ AS of_database \gset
\if :versions
SELECT $$SELECT 100::oid, 'default: ' || datcollversion || ', now ' || pg_database_collation_actual_version(oid)
    FROM pg_database
    WHERE datname = current_database() AND datcollversion <> pg_database_collation_actual_version(oid)$$
  AS of_database \gset
\endif
WITH changed (oid, words) AS (
  SELECT oid, collname || ': ' || collversion || ', now ' || pg_collation_actual_version(oid)
  FROM pg_collation WHERE collversion <> pg_collation_actual_version(oid)
  UNION ALL :of_database)
SELECT json_build_object('collations', coalesce(json_agg(DISTINCT words), '[]'),
  'indexes', coalesce(json_agg(DISTINCT indexrelid::regclass::text), '[]'))
FROM changed JOIN pg_index ON oid = ANY (indcollation);
COMMIT;
)";

json first_line_of(std::string_view output) {
    return json::parse(output.substr(0, output.find('\n')));
}

}  // namespace

std::string content_statements() {
    return content_query;
}

std::optional<ContentFacts> content_facts_in(std::string_view output) {
    try {
        const auto content = first_line_of(output);
        ContentFacts facts;
        for (const auto& database : content.at("databases")) {
            facts.databases.push_back({database.at("name"), database.at("invalid"), database.at("open"),
                                       database.at("recorded"), database.at("actual")});
        }
        for (const auto& subscription : content.at("subscriptions")) {
            facts.subscriptions.push_back(
                {subscription.at("name"), subscription.at("database"), subscription.at("slot")});
        }
        return facts;
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

std::string collation_statements() {
    return collation_query;
}

std::optional<ChangedCollations> changed_collations_in(std::string_view output) {
    try {
        const auto content = first_line_of(output);
        return ChangedCollations{content.at("collations"), content.at("indexes")};
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

}  // namespace patroni_pgbackrest::postgres
