#include "commands/verify.hpp"

#include "checks/checks.hpp"
#include "checks/corruption.hpp"
#include "checks/verify_cluster.hpp"
#include "checks/verify_report.hpp"
#include "commands/arguments.hpp"
#include "patroni/configuration.hpp"
#include "postgres/client.hpp"
#include "postgres/connection_string.hpp"
#include "postgres/living_server.hpp"
#include "postgres/server_facts.hpp"
#include "replay/probes.hpp"
#include "staging/layout.hpp"
#include "staging/memory.hpp"
#include "system/interruption.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>

namespace patroni_pgbackrest::commands {

using postgres::Client;
using postgres::ServerFacts;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

namespace {

/// Whose call it is decides how long it may take: a Patroni that waits for post_bootstrap holds no leader lock.
struct Pace {
    std::chrono::seconds whole, statement, archiver;
};
constexpr Pace as_post_bootstrap{30s, 10s, 0s};
constexpr Pace by_hand{600s, 300s, 30s};

struct Surroundings {
    bool by_patroni = false;
    std::optional<patroni::Configuration> patroni;
    Pace pace = by_hand;
    Clock::time_point deadline;

    std::chrono::seconds left() const {
        const auto rest = std::chrono::duration_cast<std::chrono::seconds>(deadline - Clock::now());
        return std::max(rest, std::chrono::seconds(1));
    }
};

Surroundings look_around(const VerifyArguments& arguments) {
    Surroundings around;
    patroni::ConfigurationSource source;
    const auto calling = patroni::find_calling_patroni();
    around.by_patroni = calling && arguments.connection;
    if (calling) {
        source = calling->source;
    } else {
        source.environment = own_patroni_environment();
    }
    if (arguments.patroni_config) {
        source.path = std::filesystem::absolute(*arguments.patroni_config);
    }
    around.patroni = patroni::read_configuration(source);
    around.pace = around.by_patroni ? as_post_bootstrap : by_hand;
    around.deadline = Clock::now() + around.pace.whole;
    return around;
}

/// The server that runs in patroni.yml's data directory, through its socket, as the user that we are.
postgres::Connection local_connection(const Surroundings& around) {
    if (!around.patroni || !around.patroni->data_directory) {
        throw Failure(ExitCode::usage,
                      "neither a connection string nor a patroni.yml with postgresql.data_dir is given",
                      "name one: patroni_pgbackrest verify --patroni-config=/etc/patroni/patroni.yml");
    }
    const std::filesystem::path directory = around.patroni->data_directory->text;
    const auto server = postgres::PostmasterFile::read(directory);
    if (!server || server->port.empty()) {
        throw Failure(ExitCode::preflight_refused, fmt::format("no server runs in {}", directory.string()),
                      "start Patroni, or give a connection string");
    }
    if (server->socket_directory.empty()) {
        throw Failure(ExitCode::preflight_refused,
                      fmt::format("the server in {} listens on no socket", directory.string()),
                      "give a connection string: patroni_pgbackrest verify 'host=127.0.0.1 port=5432'");
    }
    return {{{"host", server->socket_directory}, {"port", server->port}, {"dbname", "postgres"}}, true, {}};
}

Client client_for(const VerifyArguments& arguments, const Surroundings& around) {
    const auto connection =
        arguments.connection ? postgres::Connection{postgres::parse_connection_string(*arguments.connection), true, {}}
                             : local_connection(around);
    const bool configured = around.patroni && around.patroni->bin_directory;
    return Client(configured ? around.patroni->bin_directory->text : std::string(), connection);
}

[[noreturn]] void cannot_be_asked(const Client& client, const process::Captured& said) {
    if (!client.find("psql")) {
        throw Failure(ExitCode::preflight_refused, "psql was not found in postgresql.bin_dir or PATH",
                      "install PostgreSQL's client programs, or name their directory in postgresql.bin_dir");
    }
    const auto words = system::join(system::lines(system::trim(said.errors)), "; ");
    throw Failure(ExitCode::preflight_refused,
                  fmt::format("the server cannot be asked: psql {}{}", process::describe(said.outcome),
                              words.empty() ? "" : ": " + words),
                  "see that it runs, and that the connection is one of a superuser, as Patroni's is");
}

ServerFacts ask(const Client& client, const Surroundings& around) {
    const auto said = client.psql(postgres::server_facts_statements(), around.left());
    auto facts = postgres::server_facts_in(said.output);
    if (!facts) {
        cannot_be_asked(client, said);
    }
    return std::move(*facts);
}

/// The archiver has the history file to archive as soon as the server is a primary.
void wait_for_archiver(const Client& client, const Surroundings& around, ServerFacts& facts) {
    const auto end = Clock::now() + around.pace.archiver;
    while (!archiving_is_settled(facts) && Clock::now() < end) {
        interruption::sleep(500ms);
        facts = ask(client, around);
    }
}

void add(std::vector<Finding>& findings, std::vector<Finding> more) {
    findings.insert(findings.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

VerifyReport examine(const VerifyArguments& arguments, const Surroundings& around) {
    const auto client = client_for(arguments, around);
    const auto probes = read_probes(arguments.probes, around.patroni);
    VerifyReport report;
    report.facts = ask(client, around);
    report.probes = probes.size();
    const auto answers = ask_probes(client, probes, around.pace.statement, around.left());
    wait_for_archiver(client, around, report.facts);

    auto& findings = report.findings;
    std::string why;
    report.journal = journal_of(report.facts.data_directory, why);
    if (report.journal) {
        add(findings, judge_cluster(report.facts, *report.journal));
    } else {
        findings.push_back({"verify-no-journal",
                            {why, "what was asked for and where the restore ended is not checked; it is known only on "
                                  "the node that restored, until its next start"}});
    }
    add(findings, judge_remains(report.facts));
    add(findings, judge_probes(probes, answers));
    if (around.patroni) {
        add(findings, judge_settings(report.facts, *around.patroni));
    } else {
        findings.push_back({"verify-no-patroni-yml",
                            {"no patroni.yml was found",
                             "name it with --patroni-config: archiving is not compared with it, and the probes in it "
                             "are not asked"}});
    }
    add(findings, judge_archiver(report.facts, around.pace.archiver > 0s));
    if (arguments.amcheck && !around.by_patroni) {
        add(findings, look_for_corruption(client));
    }
    return report;
}

/// A probe that could not be run, or a recovery that is not over, may be another time.
bool may_pass(const Finding& finding) {
    return finding.id == "verify-probe-unanswered" || finding.id == "verify-in-recovery";
}

void remember_rejection(const Surroundings& around, const VerifyReport& report) {
    const auto& findings = report.findings;
    const auto lasting = std::find_if(findings.begin(), findings.end(),
                                      [](const Finding& finding) { return is_error(finding) && !may_pass(finding); });
    if (!around.by_patroni || !report.journal || lasting == findings.end()) {
        return;
    }
    try {
        remember_rejection(choose_layout(report.facts.data_directory), lasting->problem, around.patroni);
    } catch (const Failure& failure) {
        log::warning("the next bootstrap will not know of it: {}", failure.what());
    }
}

}  // namespace

ExitCode verify(const VerifyArguments& arguments) {
    const auto around = look_around(arguments);
    const auto report = examine(arguments, around);
    std::fputs((arguments.json ? report.json() : report.text()).c_str(), stdout);
    remember_rejection(around, report);
    return has_error(report.findings) ? ExitCode::verification_failed : ExitCode::done;
}

}  // namespace patroni_pgbackrest::commands
