#include "commands/verify.hpp"

#include "checks/checks.hpp"
#include "checks/corruption.hpp"
#include "checks/health.hpp"
#include "checks/replica_backup.hpp"
#include "checks/verify_cluster.hpp"
#include "checks/verify_report.hpp"
#include "commands/arguments.hpp"
#include "commands/print.hpp"
#include "commands/run_outputs.hpp"
#include "commands/status.hpp"
#include "patroni/configuration.hpp"
#include "patroni/local_server.hpp"
#include "patroni/members.hpp"
#include "patroni/method_block.hpp"
#include "pgbackrest/command_line.hpp"
#include "postgres/client.hpp"
#include "postgres/connection_string.hpp"
#include "postgres/server_facts.hpp"
#include "replay/probes.hpp"
#include "request/pgbackrest_settings.hpp"
#include "request/request.hpp"
#include "request/settings.hpp"
#include "show/metrics.hpp"
#include "staging/lost_bootstrap.hpp"
#include "staging/memory.hpp"
#include "system/interruption.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest::commands {

using postgres::Client;
using postgres::ServerFacts;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

namespace {

/// How long the whole run, one statement and the wait for the archiver may take.
struct TimeLimits {
    std::chrono::seconds whole, statement, archiver;
};
/// Short: a Patroni that waits for post_bootstrap holds no leader lock.
constexpr TimeLimits limits_as_post_bootstrap{30s, 10s, 0s};
constexpr TimeLimits limits_by_hand{600s, 300s, 30s};

/// Who calls `verify`, with which patroni.yml, and how long it may take.
struct Invocation {
    bool by_patroni = false;
    patroni::ConfigurationSource source;
    std::optional<patroni::Configuration> patroni;
    TimeLimits limits = limits_by_hand;
    Clock::time_point deadline;

    std::chrono::seconds time_left() const {
        const auto left = std::chrono::duration_cast<std::chrono::seconds>(deadline - Clock::now());
        return std::max(left, std::chrono::seconds(1));
    }
};

Invocation read_invocation(const VerifyArguments& arguments) {
    Invocation invocation;
    auto& source = invocation.source;
    const auto calling = patroni::find_calling_patroni();
    invocation.by_patroni = calling && arguments.connection;
    if (calling) {
        source = calling->source;
    } else {
        source.environment = own_patroni_environment();
    }
    if (arguments.patroni_config) {
        source.path = std::filesystem::absolute(*arguments.patroni_config);
    }
    invocation.patroni = patroni::read_configuration(source);
    choose_log_format(arguments.log_format, invocation.patroni);
    invocation.limits = invocation.by_patroni ? limits_as_post_bootstrap : limits_by_hand;
    invocation.deadline = Clock::now() + invocation.limits.whole;
    return invocation;
}

std::string named_scope(const Invocation& invocation) {
    return invocation.patroni && invocation.patroni->scope ? invocation.patroni->scope->text : std::string();
}

/// What a cluster that lives goes by is in the DCS, and not in bootstrap.dcs. As post_bootstrap it is not asked: that
/// takes its time, and a Patroni that waits for post_bootstrap holds no leader lock.
patroni::ScopeState look_into_dcs(const Invocation& invocation) {
    const auto scope = named_scope(invocation);
    if (invocation.by_patroni || scope.empty()) {
        return {};
    }
    const auto deadline = std::min(patroni::longest_answer, invocation.time_left());
    return patroni::read_scope(invocation.source, scope, patroni::Silence::is_away, deadline);
}

/// To the server that runs in patroni.yml's data directory.
std::vector<patroni::Way> local_ways(const Invocation& invocation) {
    if (!invocation.patroni || !invocation.patroni->data_directory) {
        throw Failure(ExitCode::usage,
                      "neither a connection string nor a patroni.yml with postgresql.data_dir is given",
                      "name one: patroni_pgbackrest verify --patroni-config=/etc/patroni/patroni.yml");
    }
    const std::filesystem::path directory = invocation.patroni->data_directory->text;
    const auto server = postgres::PostmasterFile::read(directory);
    if (!server || server->port.empty()) {
        throw Failure(ExitCode::preflight_refused, fmt::format("no server runs in {}", directory.string()),
                      "start Patroni, or give a connection string");
    }
    const auto* user = std::getenv("PGUSER");
    auto ways = patroni::ways_to_server(*server, directory, patroni::read_superuser_access(invocation.source),
                                        user != nullptr && *user != '\0');
    if (ways.empty()) {
        throw Failure(ExitCode::preflight_refused, fmt::format("the server in {} listens nowhere", directory.string()),
                      "set postgresql.listen, or unix_socket_directories in postgresql.parameters");
    }
    return ways;
}

std::vector<patroni::Way> ways_to_server(const VerifyArguments& arguments, const Invocation& invocation) {
    if (arguments.connection) {
        return {{{postgres::parse_connection_string(*arguments.connection), true, {}}, ""}};
    }
    return local_ways(invocation);
}

std::filesystem::path bin_directory(const Invocation& invocation) {
    const bool is_configured = invocation.patroni && invocation.patroni->bin_directory;
    return is_configured ? invocation.patroni->bin_directory->text : std::string();
}

/// Empty when it does not answer; `why` tells then what psql said.
std::optional<ServerFacts> ask_server_facts(const Client& client, const Invocation& invocation, std::string& why) {
    const auto captured = client.psql(postgres::server_facts_statements(), invocation.time_left());
    const auto words = system::join(system::lines(system::trim(captured.errors)), "; ");
    why = fmt::format("psql {}{}", process::describe(captured.outcome), words.empty() ? "" : ": " + words);
    return postgres::server_facts_in(captured.output);
}

[[noreturn]] void refuse_unanswering_server(const std::string& why) {
    throw Failure(ExitCode::preflight_refused, "the server cannot be asked: " + why,
                  "see that it runs, and that the connection is one of a superuser, as Patroni's is");
}

/// The server, by the first way on which it answers.
struct Server {
    std::unique_ptr<Client> client;
    ServerFacts facts;
};

Server find_server(const VerifyArguments& arguments, const Invocation& invocation) {
    std::vector<std::string> tried;
    for (const auto& way : ways_to_server(arguments, invocation)) {
        auto client = std::make_unique<Client>(bin_directory(invocation), way.connection);
        if (!client->find("psql")) {
            throw Failure(ExitCode::preflight_refused, "psql was not found in postgresql.bin_dir or PATH",
                          "install PostgreSQL's client programs, or name their directory in postgresql.bin_dir");
        }
        std::string why;
        if (auto facts = ask_server_facts(*client, invocation, why)) {
            return {std::move(client), std::move(*facts)};
        }
        tried.push_back(way.text.empty() ? why : way.text + ", " + why);
    }
    refuse_unanswering_server(system::join(tried, "; "));
}

/// As soon as the server is a primary, the archiver has the history file to archive.
void wait_for_archiver(const Client& client, const Invocation& invocation, ServerFacts& facts) {
    const auto end = Clock::now() + invocation.limits.archiver;
    while (!archiving_is_settled(facts) && Clock::now() < end) {
        interruption::sleep(500ms);
        std::string why;
        auto now = ask_server_facts(client, invocation, why);
        if (!now) {
            refuse_unanswering_server(why);
        }
        facts = std::move(*now);
    }
}

/// The command that looks at the whole repository, as the method's block has it.
std::string check_of_repository(const Invocation& invocation) {
    auto pgbackrest = pgbackrest_in(Settings({}, invocation.patroni));
    if (pgbackrest.stanza.empty()) {
        pgbackrest.stanza = "NAME";
    }
    return pgbackrest::as_typed(pgbackrest.command("verify"));
}

VerifyReport judge_server(const VerifyArguments& arguments, const Invocation& invocation) {
    const auto probes = read_probes(arguments.probes, invocation.patroni);
    auto server = find_server(arguments, invocation);
    const auto& client = *server.client;
    VerifyReport report;
    report.facts = std::move(server.facts);
    report.probes = probes.size();
    const auto answers = ask_probes(client, probes, invocation.limits.statement, invocation.time_left());
    wait_for_archiver(client, invocation, report.facts);

    auto& findings = report.findings;
    if (invocation.by_patroni && invocation.patroni && invocation.patroni->data_directory) {
        append(findings, judge_directory(report.facts, invocation.patroni->data_directory->text));
    }
    std::string why;
    report.journal = journal_of(report.facts.data_directory, why);
    if (report.journal) {
        append(findings, judge_cluster(report.facts, *report.journal));
    } else {
        findings.push_back({"verify-no-journal",
                            {why, "what was asked for and where the restore ended is not checked: run verify on the "
                                  "node that restored, before its Patroni starts again, or compare with the log of "
                                  "that bootstrap"}});
    }
    append(findings, judge_remains(report.facts));
    append(findings, judge_probes(probes, answers));
    const auto scope = named_scope(invocation);
    const auto dcs = look_into_dcs(invocation);
    if (invocation.patroni) {
        const auto known = patroni::with_known_dcs(invocation.source, scope, dcs);
        append(findings, judge_settings(report.facts, patroni::read_archiving(known)));
    } else {
        findings.push_back({"verify-no-patroni-yml",
                            {"no patroni.yml was found",
                             "name it with --patroni-config: archiving is not compared with it, and the probes in it "
                             "are not asked"}});
    }
    append(findings, judge_archiver(report.facts, invocation.limits.archiver > 0s));
    append(findings, look_at_health(client, !invocation.by_patroni, invocation.time_left()));
    if (!invocation.by_patroni && !report.facts.in_recovery) {
        append(findings, look_at_replica_backups(patroni::with_dcs(invocation.source, scope, dcs), report.facts));
    }
    if (arguments.amcheck && !invocation.by_patroni) {
        append(findings, look_for_corruption(client, check_of_repository(invocation)).findings);
    }
    return report;
}

/// A probe that could not be run, or a recovery that has not ended, may succeed the next time.
bool may_pass(const Finding& finding) {
    return finding.id == "verify-probe-unanswered" || finding.id == "verify-in-recovery";
}

/// Those of the bootstrap that Patroni called: the command itself may name another file than the block.
std::optional<std::filesystem::path> metrics_of_bootstrap(const std::optional<patroni::Configuration>& configuration) {
    const auto call = configuration ? patroni::call_of_bootstrap(*configuration) : std::nullopt;
    std::vector<GivenOption> given;
    if (const auto file = call ? value_in(call->words, "metrics-file") : std::nullopt) {
        given.push_back({"metrics-file", *file});
    }
    return metrics_path(given, configuration);
}

/// The restore itself has written that it was done.
void tell_metrics(const Invocation& invocation, const std::filesystem::path& data_directory) {
    RunFiles files;
    files.metrics = metrics_of_bootstrap(invocation.patroni);
    if (!files.metrics) {
        return;
    }
    auto status = status_of(data_directory);
    if (status.stanza.empty()) {
        status.stanza = names_of_cluster({}, invocation.patroni).stanza;  // in a mount point the journal alone tells
    }
    write_files(
        files, {"Restore", restore_metrics}, [] { return std::string(); }, status, std::nullopt);
}

void remember_rejection(const Invocation& invocation, const VerifyReport& report) {
    const auto& findings = report.findings;
    const auto lasting = std::find_if(findings.begin(), findings.end(),
                                      [](const Finding& finding) { return is_error(finding) && !may_pass(finding); });
    if (!invocation.by_patroni || !report.journal || lasting == findings.end()) {
        return;
    }
    try {
        remember_rejection(layout_with_journal(report.facts.data_directory), lasting->problem, invocation.patroni);
    } catch (const Failure& failure) {
        log::warning("the next bootstrap will not know of it: {}", failure.what());
    }
    write_or_warn([&] { tell_metrics(invocation, report.facts.data_directory); });
}

}  // namespace

ExitCode verify(const VerifyArguments& arguments) {
    const auto invocation = read_invocation(arguments);
    const auto report = judge_server(arguments, invocation);
    write_or_warn([&] { print(arguments.json ? report.json() : report.text()); });  // Patroni goes by the exit code
    remember_rejection(invocation, report);
    return has_error(report.findings) ? ExitCode::verification_failed : ExitCode::done;
}

}  // namespace patroni_pgbackrest::commands
