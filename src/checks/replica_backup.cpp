#include "checks/replica_backup.hpp"

#include "patroni/secrets.hpp"
#include "postgres/timeline_history.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace patroni_pgbackrest {

namespace {

using patroni::RestoringMethod;
using pgbackrest::Backup;
using postgres::Lsn;
using postgres::Timeline;
using postgres::TimelineHistory;

/// pgBackRest as the method calls it.
pgbackrest::Pgbackrest pgbackrest_of(const RestoringMethod& method) {
    pgbackrest::Pgbackrest pgbackrest{method.program, {}, method.option("stanza"), {}};
    if (const auto file = method.option("config"); !file.empty()) {
        pgbackrest.configuration = file;
    }
    for (const auto& [name, value] : method.options) {
        const bool leads_to_repository = name.starts_with("config-") || (name.starts_with("repo") && name != "repo");
        if (leads_to_repository && !patroni::names_secret(name)) {  // pgBackRest takes those from its files only
            pgbackrest.common.push_back({name, value});
        }
    }
    return pgbackrest;
}

/// Where it ends; with pgBackRest before 2.36, the beginning of the segment in which it does.
struct End {
    Timeline timeline;
    Lsn lsn;
};

std::optional<End> end_of(const Backup& backup, const pgbackrest::Stanza& stanza) {
    const auto segment = postgres::Segment::parse(backup.archive_stop,
                                                  pgbackrest::segment_size_of(backup).value_or(stanza.segment_size));
    if (!segment) {
        return std::nullopt;
    }
    return End{segment->timeline, backup.lsn_stop.value_or(segment->start(stanza.segment_size))};
}

/// Empty when it cannot be read.
std::optional<TimelineHistory> history_of_server(const postgres::ServerFacts& facts) {
    try {
        return TimelineHistory::parse(facts.timeline, facts.history.value_or("")).as_it_happened();
    } catch (const Failure&) {
        return std::nullopt;
    }
}

bool is_of_server(const Backup& backup, const pgbackrest::Stanza& stanza, const postgres::ServerFacts& facts) {
    return std::any_of(stanza.databases.begin(), stanza.databases.end(), [&](const auto& database) {
        return database.repository == backup.repository && database.id == backup.database_id &&
               database.system_identifier == facts.system_identifier;
    });
}

Finding finding(const RestoringMethod& method, std::string message, std::string hint) {
    return {"verify-replica-backup", {std::move(message), std::move(hint), method.place}};
}

}  // namespace

std::optional<Backup> backup_for(const RestoringMethod& method, const pgbackrest::Stanza& stanza) {
    const auto type = method.option("type");
    if (!method.option("target").empty() || type == "immediate") {
        return std::nullopt;
    }
    const auto set = method.option("set");
    const auto repository = system::number(method.option("repo"));
    std::optional<Backup> chosen;
    for (const auto& backup : stanza.backups) {
        const bool is_meant = set.empty() || set == "latest" || set == backup.label;
        const bool is_there = !repository || *repository == backup.repository;
        if (is_meant && is_there && (!chosen || backup.repository <= chosen->repository)) {
            chosen = backup;
        }
    }
    return chosen;
}

std::vector<Finding> judge_replica_backup(const RestoringMethod& method, const pgbackrest::Stanza& stanza,
                                          const postgres::ServerFacts& facts) {
    const auto backup = backup_for(method, stanza);
    const auto history = history_of_server(facts);
    const auto end = backup ? end_of(*backup, stanza) : std::nullopt;
    if (!end || !history || !is_of_server(*backup, stanza, facts) || history->contains(end->timeline, end->lsn)) {
        return {};
    }
    const auto* fork = history->fork_from(end->timeline);
    const auto where = fork == nullptr ? fmt::format("which does not lead to timeline {}", facts.timeline.text())
                                       : fmt::format("which this cluster left at {}", fork->at.text());
    std::vector<pgbackrest::Option> options{{"type", "full"}};
    if (const auto repository = method.option("repo"); !repository.empty()) {
        options.push_back({"repo", repository});
    }
    const auto command = pgbackrest_of(method).command("backup", options);
    const auto again = method.option("set").empty() ? "" : ", and take set out of the method";
    return {finding(
        method,
        fmt::format(
            "replica method {} takes backup set {}, which ends at {} on timeline {}, {}: a replica made from it "
            "never streams",
            method.name, backup->label, end->lsn.text(), end->timeline.text(), where),
        fmt::format("make a full backup before any replica: {}{}", pgbackrest::as_typed(command), again))};
}

std::vector<Finding> look_at_replica_backups(const patroni::ConfigurationSource& source,
                                             const postgres::ServerFacts& facts) {
    std::vector<Finding> findings;
    for (const auto& method : patroni::restoring_methods(source)) {
        const auto pgbackrest = pgbackrest_of(method);
        if (pgbackrest.stanza.empty()) {
            continue;
        }
        try {
            const auto stanza = pgbackrest::info(pgbackrest, std::nullopt, {0, std::chrono::seconds(0)});
            auto found = judge_replica_backup(method, stanza, facts);
            findings.insert(findings.end(), found.begin(), found.end());
        } catch (const Failure& failure) {
            // Without any backup the method fails, and Patroni tries the next one.
            if (failure.code() != ExitCode::target_not_reachable) {
                findings.push_back(
                    finding(method,
                            fmt::format("which backup set replica method {} takes is not known: {}", method.name,
                                        failure.what()),
                            fmt::format("see that {} works", pgbackrest::as_typed(pgbackrest.command("info")))));
            }
        }
    }
    return findings;
}

}  // namespace patroni_pgbackrest
