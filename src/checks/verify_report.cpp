#include "checks/verify_report.hpp"

#include "checks/checks.hpp"
#include "checks/verify_cluster.hpp"
#include "system/exit_code.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace patroni_pgbackrest {

namespace {

/// What the history says now; the journal, which was there, knows the last transaction's time in addition.
std::optional<Reached> reached_in(const VerifyReport& report) {
    if (!report.journal) {
        return std::nullopt;
    }
    auto reached = reached_in_history(report.facts, *report.journal->goal);
    if (reached && report.journal->reached) {
        reached->time = report.journal->reached->time;
    }
    return reached;
}

std::string line(const char* title, const std::string& text) {
    return fmt::format("{:<10} {}\n", title, text);
}

std::string archived(const postgres::ServerFacts& facts) {
    const auto mode = facts.archiving.find("archive_mode");
    if (mode == facts.archiving.end() || mode->second == "off") {
        return "off";
    }
    return facts.last_archived.empty() ? "nothing archived yet" : facts.last_archived + " archived";
}

}  // namespace

std::string VerifyReport::text() const {
    std::string text =
        line("server", fmt::format("PostgreSQL {} in {}, timeline {}{}", facts.version, facts.data_directory.string(),
                                   facts.timeline.text(), facts.in_recovery ? ", in recovery" : ""));
    if (journal) {
        text += line("asked", fmt::format("{}, backup set {}, timeline {}", journal->goal->target.text(),
                                          journal->backup_set, journal->goal->timeline.text()));
    }
    if (const auto reached = reached_in(*this)) {
        text += line("reached", fmt::format("{} ({}), timeline {}{}", reached->lsn.text(), reached->reason,
                                            reached->timeline.text(),
                                            reached->time ? ", last transaction at " + *reached->time : ""));
    }
    text += line("checksums", facts.checksums ? "on" : "off");
    text += line("archiving", archived(facts));
    if (probes > 0) {
        const auto failed = std::count_if(findings.begin(), findings.end(), [](const auto& each) {
            return each.id == "verify-probe" || each.id == "verify-probe-unanswered";
        });
        text += line("probes", fmt::format("{} of {} true", probes - static_cast<std::size_t>(failed), probes));
    }
    return text + findings_text(findings);
}

std::string VerifyReport::json() const {
    using nlohmann::json;
    const auto code = has_error(findings) ? ExitCode::verification_failed : ExitCode::done;
    json report{{"command", "verify"},
                {"version", PATRONI_PGBACKREST_VERSION},
                {"exit_code", static_cast<int>(code)},
                {"server",
                 {{"version", facts.version},
                  {"data_directory", facts.data_directory.string()},
                  {"system_identifier", facts.system_identifier},
                  {"timeline", facts.timeline.number},
                  {"in_recovery", facts.in_recovery},
                  {"checksums", facts.checksums},
                  {"last_archived", facts.last_archived}}},
                {"asked", json()},
                {"reached", json()},
                {"probes", probes},
                {"findings", json::parse(findings_json(findings))}};
    if (journal) {
        report["asked"] = {{"type", journal->goal->target.type()},
                           {"value", journal->goal->target.value()},
                           {"exclusive", journal->goal->target.exclusive},
                           {"backup_set", journal->backup_set},
                           {"timeline", journal->goal->timeline.number}};
    }
    if (const auto reached = reached_in(*this)) {
        report["reached"] = {{"lsn", reached->lsn.text()},
                             {"reason", reached->reason},
                             {"timeline", reached->timeline.number},
                             {"time", reached->time ? json(*reached->time) : json()}};
    }
    return report.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace patroni_pgbackrest
