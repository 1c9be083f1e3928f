#include "checks/verify_cluster.hpp"

#include "postgres/timeline_history.hpp"
#include "replay/proof.hpp"
#include "staging/layout.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>

namespace patroni_pgbackrest {

using postgres::ServerFacts;
using postgres::TimelineHistory;

namespace {

constexpr const char* discard = "do not use this cluster: restore again, and keep the logs of this restore";

/// The history of the server's own timeline; without forks when there is none, or none that can be read.
TimelineHistory history_of(const ServerFacts& facts) {
    try {
        return TimelineHistory::parse(facts.timeline, facts.history.value_or(""));
    } catch (const Failure&) {
        return {facts.timeline, {}};
    }
}

/// On the line from the plan's timeline to the server's there must be the one that the restore made, at its place.
void judge_timeline(const ServerFacts& facts, const Journal& journal, std::vector<Finding>& findings) {
    const auto& goal = *journal.goal;
    const auto reached = reached_in_history(facts, goal);
    if (facts.timeline <= goal.timeline) {
        findings.push_back({"verify-timeline",
                            {fmt::format("timeline {} is not new: the restore followed timeline {}",
                                         facts.timeline.text(), goal.timeline.text()),
                             discard}});
    } else if (!facts.history) {
        findings.push_back(
            {"verify-history-missing",
             {fmt::format("pg_wal has no {}", facts.timeline.history_file()),
              fmt::format(
                  "it tells where and why the recovery ended: fetch it as the server's user, and ask again: "
                  "pgbackrest --stanza=NAME archive-get {} {}",
                  facts.timeline.history_file(),
                  system::shell_word((facts.data_directory / "pg_wal" / facts.timeline.history_file()).string()))}});
    } else if (!reached || (journal.reached && journal.reached->timeline != reached->timeline)) {
        findings.push_back(
            {"verify-timeline",
             {fmt::format("timeline {} does not come from timeline {}{}", facts.timeline.text(), goal.timeline.text(),
                          journal.reached ? " through " + journal.reached->timeline.text() : ""),
              discard}});
    } else if (journal.reached && journal.reached->lsn != reached->lsn) {
        findings.push_back({"verify-target-missed",
                            {fmt::format("timeline {} begins at {}, and the restore ended at {}",
                                         reached->timeline.text(), reached->lsn.text(), journal.reached->lsn.text()),
                             discard}});
    } else if (const auto why = why_not_proven(goal, {goal.timeline, reached->lsn, reached->reason}); !why.empty()) {
        findings.push_back(
            {"verify-target-missed", {fmt::format("the target was {}: {}", goal.target.text(), why), discard}});
    }
}

bool same_setting(const std::string& name, const std::string& configured, const std::string& server) {
    if (name != "archive_mode") {
        return configured == server;
    }
    const auto word = system::lower(system::trim(configured));
    constexpr std::array on = {"true", "yes", "1", "y"};
    constexpr std::array off = {"false", "no", "0", "n"};
    return word == server || (server == "on" && std::find(on.begin(), on.end(), word) != on.end()) ||
           (server == "off" && std::find(off.begin(), off.end(), word) != off.end());
}

bool is_archived(const ServerFacts& facts) {
    const auto name = facts.timeline.history_file().substr(0, 8);
    return facts.history_archived || facts.last_archived.starts_with(name);
}

bool archives(const ServerFacts& facts) {
    const auto mode = facts.archiving.find("archive_mode");
    return mode != facts.archiving.end() && mode->second != "off";
}

}  // namespace

std::optional<Journal> journal_of(const std::filesystem::path& data_directory, std::string& why) {
    why = "there is no journal of a restore beside " + data_directory.string();
    try {
        for (const auto& file : journals_of(data_directory)) {
            auto journal = Journal::read(file);
            if (!journal) {
                continue;
            }
            if (!journal->handed_over_is(data_directory)) {
                why = fmt::format("the journal {} is of another data directory", file.string());
            } else if (!journal->goal) {
                why = fmt::format("the journal {} is of an older version", file.string());
            } else {
                why.clear();
                return journal;
            }
        }
    } catch (const Failure& failure) {
        why = failure.what();
    }
    return std::nullopt;
}

std::optional<Reached> reached_in_history(const ServerFacts& facts, const RestoreGoal& goal) {
    const auto history = history_of(facts);
    const auto* fork = history.fork_from(goal.timeline);
    if (fork == nullptr) {
        return std::nullopt;
    }
    const bool last = fork == &history.forks.back();
    return Reached{last ? history.timeline : (fork + 1)->parent, fork->at, fork->reason, std::nullopt};
}

std::vector<Finding> judge_cluster(const ServerFacts& facts, const Journal& journal) {
    std::vector<Finding> findings;
    if (facts.system_identifier != journal.system_identifier) {
        findings.push_back({"verify-other-cluster",
                            {fmt::format("system identifier {} is not the backup's, {}", facts.system_identifier,
                                         journal.system_identifier),
                             "this server is not what was restored: see who made it, and whether the connection leads "
                             "to the right one"}});
        return findings;
    }
    if (facts.checksums != journal.goal->checksums) {
        findings.push_back(
            {"verify-checksums",
             {fmt::format("data checksums are {}, in the backup they were {}", facts.checksums ? "on" : "off",
                          journal.goal->checksums ? "on" : "off"),
              fmt::format("if somebody ran pg_checksums since, pg_checksums --{} takes that back while the "
                          "server is stopped; if nobody did, do not trust this data directory: restore "
                          "again",
                          facts.checksums ? "disable" : "enable")}});
    }
    if (!facts.in_recovery) {
        judge_timeline(facts, journal, findings);
    }
    return findings;
}

std::vector<Finding> judge_directory(const ServerFacts& facts, const std::filesystem::path& data_directory) {
    if (system::is_same_place(facts.data_directory, data_directory)) {
        return {};
    }
    return {{"verify-other-directory",
             {fmt::format("the server runs on {}, and not on {}, which was restored", facts.data_directory.string(),
                          data_directory.string()),
              "take data_directory out of postgresql.parameters and of the file that Patroni's postgresql.conf "
              "includes, and restore again"}}};
}

std::vector<Finding> judge_remains(const ServerFacts& facts) {
    std::vector<Finding> findings;
    if (facts.in_recovery) {
        findings.push_back(
            {"verify-in-recovery",
             {"the server is still in recovery", "ask again when it has ended; on a standby, ask the leader instead"}});
        return findings;
    }
    for (const auto& name : facts.signal_files) {
        findings.push_back(
            {"verify-signal-file",
             {fmt::format("{} is there although the recovery is over", (facts.data_directory / name).string()),
              "remove it: the next start would begin a recovery"}});
    }
    for (const auto& setting : facts.recovery_settings) {
        findings.push_back(
            {"verify-recovery-setting",
             {fmt::format("{} is still set", setting.name),
              fmt::format("remove the line (ALTER SYSTEM RESET {} does in postgresql.auto.conf), unless it is yours: a "
                          "standby or the next recovery would follow it",
                          setting.name),
              setting.file}});
    }
    return findings;
}

std::vector<Finding> judge_settings(const ServerFacts& facts, const patroni::Archiving& in_force) {
    std::vector<Finding> findings;
    const std::map<std::string, std::optional<patroni::Value>> wanted{{"archive_mode", in_force.mode},
                                                                      {"archive_command", in_force.command}};
    for (const auto& [name, value] : wanted) {
        const auto server = facts.archiving.find(name);
        // The server says `(disabled)` instead of the command it has.
        const bool is_shown = server != facts.archiving.end() && (name == "archive_mode" || archives(facts));
        if (value && is_shown && !same_setting(name, value->text, server->second)) {
            findings.push_back({"verify-archive-setting",
                                {fmt::format("the server's {} is not the one of Patroni's configuration", name),
                                 fmt::format("compare SHOW {0} with it: Patroni may not have applied a change yet; "
                                             "what came with the backup goes with ALTER SYSTEM RESET {0} and {1}",
                                             name, name == "archive_mode" ? "a restart" : "SELECT pg_reload_conf()"),
                                 value->place}});
        }
    }
    return findings;
}

bool archiving_is_settled(const ServerFacts& facts) {
    return facts.in_recovery || !archives(facts) || is_archived(facts) || !facts.last_failed.empty();
}

std::vector<Finding> judge_archiver(const ServerFacts& facts, bool waited) {
    if (facts.in_recovery || !archives(facts)) {
        return {};
    }
    if (!facts.last_failed.empty()) {
        return {{"verify-archiver-failing",
                 {fmt::format("the archiver fails with {}", facts.last_failed),
                  "read the server's log for what archive_command said, and correct it where it stands: in "
                  "postgresql.parameters of patroni.yml, else with patronictl edit-config; until it works there is no "
                  "recovery to a point after the restore"}}};
    }
    if (waited && facts.history && !is_archived(facts)) {
        return {{"verify-not-archived",
                 {fmt::format("{} is not in the archive yet", facts.timeline.history_file()),
                  "look at pg_stat_archiver, correct archive_command, and ask again: without it the next restore does "
                  "not find this timeline"}}};
    }
    return {};
}

}  // namespace patroni_pgbackrest
