#include "checks/corruption.hpp"

#include "system/text.hpp"

#include <chrono>
#include <fmt/format.h>
#include <variant>

namespace patroni_pgbackrest {

namespace {

constexpr int corruption_found = 2;
constexpr const char* of_some_databases = "amcheck (not of every database)";
constexpr std::size_t most_lines = 20;

/// Whoever waits longer waits for somebody who may never come, as a prepared transaction.
constexpr int seconds_for_a_lock = 10;

Finding not_done(const std::string& why, const std::string& hint) {
    return {"verify-amcheck-not-done", {why, hint}};
}

bool has(std::string_view line, std::string_view words) {
    return line.find(words) != std::string_view::npos;
}

/// What pg_amcheck calls came with version 1.3 of the extension, and pg_upgrade leaves an older one in place.
bool is_of_an_old_extension(std::string_view line) {
    return has(line, "does not exist") && (has(line, ".verify_heapam(") || has(line, ".bt_index_check("));
}

std::string first_of(const std::vector<std::string>& names) {
    return names.size() == 1 ? names.front() : fmt::format("{} and {} more", names.front(), names.size() - 1);
}

}  // namespace

/// A complaint is a line that names the relation, and its message in the next, indented (verify_heap_slot_handler,
/// verify_btree_slot_handler in pg_amcheck.c).
void AmcheckWords::output(std::string_view line) {
    if (line.starts_with("heap table \"") || line.starts_with("btree index \"")) {
        ++complaints_;
        relation_ = line;
        keep(line);
        return;
    }
    const bool is_locked = has(line, "canceling statement due to lock timeout");
    if (!relation_.empty() && (is_locked || is_of_an_old_extension(line))) {
        if (!lines_.empty() && lines_.back() == relation_) {
            lines_.pop_back();
        }
        (is_locked ? locked_ : too_old_).push_back(relation_.substr(0, relation_.find_last_of(':')));
    } else {
        keep(line);
    }
    relation_.clear();
}

void AmcheckWords::error(std::string_view line) {
    if (has(line, "skipping database")) {
        if (!has(line, "\"template1\"")) {
            skipped_.emplace_back(line);
        }
        return;
    }
    has_nothing_ = has_nothing_ || has(line, "no relations to check");
    keep(line);
}

void AmcheckWords::keep(std::string_view line) {
    if (lines_.size() < most_lines) {
        lines_.emplace_back(line);
    }
}

/// Of what was not understood as well.
bool AmcheckWords::found_corruption(int exit_code) const {
    return exit_code == corruption_found && (complaints_ == 0 || complaints_ > locked_.size() + too_old_.size());
}

CorruptionCheck AmcheckWords::judge(const process::Outcome& outcome, const std::string& check_of_repository) const {
    const auto words = system::join(lines_, "; ");
    const auto* exited = std::get_if<process::Exited>(&outcome);
    const bool came_to_its_end = exited != nullptr && (exited->code == 0 || exited->code == corruption_found);
    const bool had_nothing = exited != nullptr && has_nothing_;
    CorruptionCheck check;
    check.failed = !came_to_its_end && !had_nothing;
    if (came_to_its_end) {
        const bool has_left_out = !locked_.empty() || !too_old_.empty();
        check.examined = !skipped_.empty() ? of_some_databases
                         : has_left_out    ? "amcheck (not of every table)"
                                           : "amcheck";
    }
    if (came_to_its_end && found_corruption(exited->code)) {
        check.findings.push_back(
            {"verify-corruption",
             {"pg_amcheck found corruption: " + words,
              fmt::format("do not use this data: restore again, from an older backup set (set) if it comes back, "
                          "and look at the repository: {}",
                          check_of_repository)}});
        return check;
    }
    if (check.failed) {
        check.findings.push_back(not_done(fmt::format("pg_amcheck {}: {}", process::describe(outcome), words),
                                          "see what it and the server's log say, and ask again: corruption was not "
                                          "looked for everywhere"));
        return check;
    }
    if (had_nothing || !skipped_.empty()) {
        check.findings.push_back(
            not_done(fmt::format("pg_amcheck {}: {}", process::describe(outcome),
                                 skipped_.empty() ? words : system::join(skipped_, "; ")),
                     "CREATE EXTENSION amcheck in the databases that are to be looked at, and ask again: corruption "
                     "was not looked for there"));
    }
    if (!locked_.empty()) {
        check.findings.push_back(not_done(
            fmt::format("pg_amcheck waited {} s for a lock on {}, and left it out", seconds_for_a_lock,
                        first_of(locked_)),
            "see in pg_locks who has locked it, and ask again when that has ended; a prepared transaction shows in "
            "pg_prepared_xacts: corruption was not looked for there"));
    }
    if (!too_old_.empty()) {
        check.findings.push_back(not_done(
            fmt::format("the extension amcheck is too old for pg_amcheck to look at {}", first_of(too_old_)),
            "ALTER EXTENSION amcheck UPDATE in that database, and ask again: corruption was not looked for there"));
    }
    return check;
}

/// pg_amcheck does not say a word of them.
void add_left_out(const postgres::ContentFacts& facts, CorruptionCheck& check) {
    for (const auto& database : facts.databases) {
        if (database.name == "template0" || (database.open && !database.invalid)) {
            continue;
        }
        check.findings.push_back(
            not_done(fmt::format("database {} {}, and pg_amcheck leaves it out", database.name,
                                 database.invalid ? "was half dropped" : "accepts no connections"),
                     database.invalid ? "drop it in the living cluster: corruption was not looked for there"
                                      : "allow connections to it, and ask again: corruption was not looked for there"));
        if (!check.examined.empty()) {
            check.examined = of_some_databases;
        }
    }
}

std::vector<Finding> findings_of_rehearsal(const CorruptionCheck& check) {
    auto findings = check.findings;
    for (auto& finding : findings) {
        finding.id = check.failed ? "rehearse-amcheck" : finding.id;
    }
    return findings;
}

CorruptionCheck look_for_corruption(const postgres::Client& client, const std::string& check_of_repository) {
    if (!client.find("pg_amcheck")) {
        return {{not_done("pg_amcheck was not found in postgresql.bin_dir or PATH",
                          "install it, and ask again (PostgreSQL 13 has none): corruption was not looked for")}};
    }
    auto command = client.command("pg_amcheck", {"--all", "--no-password"});
    command.environment["LC_ALL"] = "C";
    command.writable.emplace();  // nowhere
    command.environment["PGOPTIONS"] += fmt::format(" -c lock_timeout={}s", seconds_for_a_lock);
    AmcheckWords words;
    const auto outcome = process::run(
        command, [&](std::string_view line) { words.output(line); }, [&](std::string_view line) { words.error(line); },
        postgres::longest_silence);
    process::require_resources(command.program, outcome);
    auto check = words.judge(outcome, check_of_repository);
    const auto captured = client.psql(postgres::content_statements(), std::chrono::minutes(5));
    if (const auto facts = postgres::content_facts_in(captured.output)) {
        add_left_out(*facts, check);
    }
    return check;
}

}  // namespace patroni_pgbackrest
