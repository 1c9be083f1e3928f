#include "checks/health.hpp"

#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string_view>

namespace patroni_pgbackrest {

namespace {

using Clock = std::chrono::steady_clock;

std::string few_of(const std::vector<std::string>& names) {
    constexpr std::size_t most = 5;
    const std::vector<std::string> few(names.begin(),
                                       names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), most)));
    return system::join(few, ", ") + (names.size() > most ? fmt::format(" and {} more", names.size() - most) : "");
}

Finding unusable(const std::string& database, const std::string& why) {
    return {"verify-database-unusable",
            {fmt::format("database {} cannot be used: {}", database, why),
             fmt::format("if it was left out of the restore (db-include, db-exclude), or was being dropped, remove it: "
                         "DROP DATABASE {}",
                         postgres::sql_identifier(database))}};
}

/// What PostgreSQL says of a database whose files are empty (ValidatePgVersion in miscinit.c, load_relmap_file in
/// relmapper.c), and, since 15.4, of one that was half dropped.
bool is_left_out(std::string_view error) {
    constexpr std::array said{"is not a valid data directory", "relation mapping file",
                              "cannot connect to invalid database"};
    return std::any_of(said.begin(), said.end(),
                       [&](const char* words) { return error.find(words) != std::string_view::npos; });
}

void judge_collations(const postgres::DatabaseFacts& database, const DatabaseAnswer* answer,
                      std::vector<Finding>& findings) {
    const bool is_looked_at = answer != nullptr && answer->changed;
    const bool default_changed = database.recorded_version != database.actual_version &&
                                 !database.recorded_version.empty() && !database.actual_version.empty();
    const auto refresh =
        fmt::format("ALTER DATABASE {} REFRESH COLLATION VERSION", postgres::sql_identifier(database.name));
    if (is_looked_at && !answer->changed->indexes.empty()) {
        findings.push_back(
            {"verify-collation",
             {fmt::format("{} indexes of database {} were built with collations that this system sorts in another way "
                          "({}): {}",
                          answer->changed->indexes.size(), database.name, few_of(answer->changed->collations),
                          few_of(answer->changed->indexes)),
              fmt::format("REINDEX them before they are relied on, then {}",
                          default_changed ? refresh + ", and ALTER COLLATION … REFRESH VERSION for the others"
                                          : "ALTER COLLATION … REFRESH VERSION for each collation")}});
    } else if (default_changed && database.open) {
        findings.push_back(
            {"verify-collation",
             {fmt::format("database {} was made with version {} of its collation, and this system has {}",
                          database.name, database.recorded_version, database.actual_version),
              is_looked_at ? refresh + ": no index depends on it"
                           : "run verify by hand, which names the indexes that have to be built anew"}});
    }
}

}  // namespace

std::vector<Finding> judge_health(const postgres::ContentFacts& facts,
                                  const std::map<std::string, DatabaseAnswer>& answers) {
    std::vector<Finding> findings;
    for (const auto& database : facts.databases) {
        const auto found = answers.find(database.name);
        const auto* answer = found == answers.end() ? nullptr : &found->second;
        if (database.invalid) {
            findings.push_back(unusable(database.name, "its DROP DATABASE was interrupted"));
        } else if (answer != nullptr && !answer->changed && is_left_out(answer->error)) {
            findings.push_back(unusable(database.name, answer->error));
        } else if (answer != nullptr && !answer->changed) {
            findings.push_back({"verify-health-unknown",
                                {fmt::format("database {} could not be looked at: {}", database.name, answer->error),
                                 "let the superuser connect to it, and run verify again"}});
        } else {
            judge_collations(database, answer, findings);
        }
    }
    for (const auto& subscription : facts.subscriptions) {
        findings.push_back(
            {"verify-subscription",
             {fmt::format("subscription {} of database {} is enabled, and takes changes from slot {} of its publisher",
                          subscription.name, subscription.database,
                          subscription.slot.empty() ? "none" : subscription.slot),
              "the slot has passed what this cluster lost since its target, and belongs to the source while that "
              "lives: disable it, SET (slot_name = NONE) and drop it if this is a copy; else compare its tables with "
              "the "
              "publisher's"}});
    }
    return findings;
}

std::vector<Finding> look_at_health(const postgres::Client& client, bool into_databases, std::chrono::seconds limit) {
    const auto end = Clock::now() + limit;
    const auto left = [&] { return std::chrono::duration_cast<std::chrono::seconds>(end - Clock::now()); };
    const auto captured = client.psql(postgres::content_statements(), limit);
    const auto facts = postgres::content_facts_in(captured.output);
    if (!facts) {
        return {{"verify-health-unknown",
                 {fmt::format("databases and subscriptions could not be looked at: psql {}: {}",
                              process::describe(captured.outcome), system::trim(captured.errors)),
                  "run verify again as a superuser"}}};
    }
    std::map<std::string, DatabaseAnswer> answers;
    std::vector<std::string> unseen;
    for (const auto& database : facts->databases) {
        if (!into_databases || database.invalid || !database.open) {
            continue;
        }
        if (left().count() < 1) {
            unseen.push_back(database.name);
            continue;
        }
        const auto result = client.psql(postgres::collation_statements(), left(), database.name);
        if (std::holds_alternative<process::Stalled>(result.outcome)) {
            unseen.push_back(database.name);
            continue;
        }
        answers[database.name] = {postgres::changed_collations_in(result.output),
                                  fmt::format("psql {}: {}", process::describe(result.outcome),
                                              system::join(system::lines(system::trim(result.errors)), "; "))};
    }
    auto findings = judge_health(*facts, answers);
    if (!unseen.empty()) {
        findings.push_back({"verify-health-unknown",
                            {fmt::format("there was no time to look at {}", few_of(unseen)), "run verify again"}});
    }
    return findings;
}

std::vector<Finding> left_by_a_restore(std::vector<Finding> findings) {
    std::erase_if(findings, [](const Finding& finding) {
        return finding.id != "verify-collation" && finding.id != "verify-database-unusable";
    });
    for (auto& finding : findings) {
        finding.problem.hint = "after a restore, in the restored cluster: " + finding.problem.hint;
    }
    return findings;
}

}  // namespace patroni_pgbackrest
