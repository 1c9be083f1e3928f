#include "checks/dump.hpp"

#include "process/child.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <string_view>

namespace patroni_pgbackrest {

namespace {

constexpr std::size_t most_lines_of_dump = 20;

/// A prepared transaction has its locks back at the end of the recovery (lock_twophase_recover), and no process. What
/// it has made itself nobody sees; pg_dump opens no index and no TOAST table by itself.
constexpr const char* locked_statement =
    "SELECT DISTINCT l.relation::pg_catalog.regclass::text || ' (' || COALESCE(p.gid, 'unknown') || ')' "
    "FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation "
    "LEFT JOIN pg_catalog.pg_prepared_xacts p ON l.virtualtransaction = '-1/' || p.transaction "
    "WHERE l.pid IS NULL AND l.granted AND l.mode = 'AccessExclusiveLock' AND c.relkind NOT IN ('i', 'I', 't') "
    "AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) "
    "ORDER BY 1;\n";

/// Where this cannot be asked, pg_dump tells why.
std::vector<std::string> locked_in(const postgres::Client& client, const std::string& database) {
    const auto captured = client.psql(locked_statement, std::chrono::minutes(1), database);
    auto locked = process::succeeded(captured.outcome) ? system::lines(captured.output) : std::vector<std::string>();
    std::erase(locked, std::string());
    return locked;
}

std::vector<Finding> dump_one(const postgres::Client& client, const std::string& database) {
    if (auto findings = review_locked(database, locked_in(client, database)); !findings.empty()) {
        return findings;
    }
    std::vector<std::string> errors;
    const auto keep = [&](std::string_view line) {
        if (errors.size() < most_lines_of_dump) {
            errors.emplace_back(line);
        }
    };
    // Nothing can be flushed there.
    auto command = client.command("pg_dump", {"--no-password", "--format=plain", "--file=/dev/null", "--no-sync",
                                              "--lock-wait-timeout=60000", "-d", postgres::database_word(database)});
    command.environment["LC_ALL"] = "C";
    command.writable.emplace();  // nowhere else
    const auto outcome = process::run(command, keep, keep, postgres::longest_silence);
    process::require_resources(command.program, outcome);
    if (process::succeeded(outcome)) {
        return {};
    }
    return {{"rehearse-dump",
             {fmt::format("database {} cannot be read as a whole: pg_dump {}: {}", database, process::describe(outcome),
                          system::join(errors, "; ")),
              "see whether a dump of the living cluster fails in the same way; if not, try an older backup set"}}};
}

}  // namespace

std::vector<std::string> databases_to_dump(const postgres::ContentFacts& facts) {
    std::vector<std::string> names;
    for (const auto& database : facts.databases) {
        if (database.open && !database.invalid) {
            names.push_back(database.name);
        }
    }
    return names;
}

std::vector<Finding> review_dumped(const postgres::ContentFacts& facts) {
    if (databases_to_dump(facts).empty()) {
        return {{"rehearse-dump",
                 {"no database accepts connections: nothing was dumped", "see why the living cluster has none"}}};
    }
    std::vector<Finding> findings;
    for (const auto& database : facts.databases) {
        if (database.name != "template0" && (!database.open || database.invalid)) {
            findings.push_back(
                {"rehearse-dump-left-out",
                 {fmt::format("database {} {}, and is not dumped: nobody has read its rows", database.name,
                              database.invalid ? "was half dropped" : "accepts no connections"),
                  database.invalid ? "drop it in the living cluster" : "allow connections there if it is needed"}});
        }
    }
    return findings;
}

std::vector<Finding> review_locked(const std::string& database, const std::vector<std::string>& locked) {
    if (locked.empty()) {
        return {};
    }
    const auto named = std::min(locked.size(), most_lines_of_dump);
    const std::vector<std::string> first(locked.begin(), locked.begin() + static_cast<std::ptrdiff_t>(named));
    return {{"rehearse-dump",
             {fmt::format("database {} cannot be read as a whole: a prepared transaction keeps everybody from {}{}",
                          database, system::join(first, ", "),
                          named < locked.size() ? fmt::format(" and {} more", locked.size() - named) : ""),
              "it was pending at that point: end it in the living cluster if it still is (pg_prepared_xacts), and "
              "rehearse again when the WAL behind its end is archived; or rehearse without --dump"}}};
}

std::vector<Finding> dump_to_nowhere(const postgres::Client& client, std::vector<std::string>& dumped) {
    const auto captured = client.psql(postgres::content_statements(), std::chrono::minutes(5));
    const auto facts = postgres::content_facts_in(captured.output);
    if (!facts) {
        return {{"rehearse-dump",
                 {fmt::format("the databases could not be listed: psql {}: {}", process::describe(captured.outcome),
                              system::trim(captured.errors)),
                  "see why, then rehearse again"}}};
    }
    auto findings = review_dumped(*facts);
    for (const auto& database : databases_to_dump(*facts)) {
        dumped.push_back(database);
        for (const auto& finding : dump_one(client, database)) {
            findings.push_back(finding);
        }
    }
    return findings;
}

}  // namespace patroni_pgbackrest
