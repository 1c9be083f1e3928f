#include "commands/preflight.hpp"

#include "checks/checks.hpp"
#include "checks/review_machine.hpp"
#include "checks/review_options.hpp"
#include "checks/review_places.hpp"
#include "checks/review_replay.hpp"
#include "checks/review_server_files.hpp"
#include "commands/check_configuration.hpp"
#include "patroni/command_words.hpp"
#include "patroni/review_server_start.hpp"
#include "patroni/startup_files.hpp"
#include "pgbackrest/backup_files.hpp"
#include "pgbackrest/backup_targets.hpp"
#include "pgbackrest/option_in_force.hpp"
#include "pgbackrest/origin.hpp"
#include "process/launch.hpp"
#include "system/log.hpp"
#include "system/process_facts.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

namespace patroni_pgbackrest::commands {

namespace {

/// The manifest of the backup is read only where this node lacks a file that it may bring.
std::vector<Finding> review_startup_files(const Request& request, const Plan& plan) {
    if (!request.patroni) {
        return {};
    }
    const bool writes_block = request.recovery == Recovery::patroni;
    auto seen = patroni::look_before_copy(*request.patroni);
    if (patroni::needs_backup(*request.patroni, seen)) {
        seen.backups = pgbackrest::top_files_of(request.pgbackrest, plan.backup);
    }
    return patroni::review_startup_files(*request.patroni, seen, writes_block);
}

/// A fault in how replicas will be made does not stop the restore of the first node.
bool refuses(const Finding& finding) {
    return is_error(finding) && !finding.id.starts_with("replica-method-");
}

void warn_of(const std::vector<Finding>& findings) {
    for (const auto& finding : findings) {
        log::write(finding.problem, log::Level::warning);
    }
}

void refuse_errors(std::vector<Finding> findings) {
    const auto errors = std::stable_partition(findings.begin(), findings.end(), std::not_fn(refuses));
    warn_of({findings.begin(), errors});
    if (errors != findings.end()) {
        throw Failure(ExitCode::preflight_refused, errors_in({errors, findings.end()}));
    }
}

/// Whether the block's restore_command starts this very program: a script of its name may set what this call has.
bool is_own_guard(const Request& request) {
    const auto& method = request.patroni->method;
    if (!method || !method->recovery_conf) {
        return false;
    }
    const auto command = method->recovery_conf->find("restore_command");
    const auto words = command == method->recovery_conf->end() ? std::vector<std::string>()
                                                               : patroni::command_words(command->second.text);
    return !words.empty() && process::is_this_program(words.front());
}

}  // namespace

void review_node(const Request& request, const Plan& plan, const Layout& layout, std::vector<Finding>& findings) {
    append(findings,
           review_targets(layout, pgbackrest::restored_targets(plan.targets, request.restore_options, layout.staging)));
    review_disk(request, plan, layout, findings);
    append(findings, review_startup_files(request, plan));
}

std::optional<std::filesystem::path> configured_binaries(const Request& request) {
    const bool configured = request.patroni && request.patroni->bin_directory;
    return configured ? std::optional<std::filesystem::path>(request.patroni->bin_directory->text) : std::nullopt;
}

void refuse_root(const std::string& command) {
    if (const auto root = review_user(::geteuid(), command)) {
        throw Failure(ExitCode::preflight_refused, {root->problem});
    }
}

void refuse_configuration(const BootstrapArguments& arguments, const Request& request) {
    auto options = review_options(request);
    append(options, review_pg_path(request));
    refuse_errors(options);
    // No variable tells any of what is reviewed.
    if (!arguments.patroni || arguments.patroni->only_variables) {
        return;
    }
    auto findings = review_patroni_yml(arguments, request);
    // These keep Patroni from calling bootstrap. It is being called: by Patroni all the same, or by a person. The last
    // three do not concern this restore: replicas come later, and options are read from the file.
    std::erase_if(findings, [](const Finding& finding) {
        return finding.id == "method-missing" || finding.id == "standby-cluster" ||
               finding.id == "node-never-bootstraps" || finding.id == "dcs-paused" ||
               finding.id == "replica-method-list" || finding.id == "option-boolean" ||
               finding.id == "option-without-value";
    });
    // The name may be in a variable that only Patroni has.
    const auto unsure = std::stable_partition(findings.begin(), findings.end(), [&](const Finding& finding) {
        return arguments.is_for_patroni() || finding.id != "role-without-name";
    });
    warn_of({unsure, findings.end()});
    refuse_errors({findings.begin(), unsure});
}

void refuse_secrets_of_the_call(const BootstrapArguments& arguments, const Request& request) {
    const auto patroni = request.recovery == Recovery::patroni && arguments.calling_patroni && is_own_guard(request)
                             ? system::facts_of(*arguments.calling_patroni)
                             : std::nullopt;
    if (!patroni) {
        return;
    }
    std::vector<Problem> problems;
    for (const auto& [variable, option] : pgbackrest::secret_variables()) {
        const auto found = patroni->environment.find(variable);
        if ((found == patroni->environment.end() || found->second.empty()) &&
            !pgbackrest::option_in_files(request.pgbackrest, "archive-get", option)) {
            problems.push_back({fmt::format("{} is set for this call alone, and PostgreSQL, which replays the WAL, has "
                                            "Patroni's environment: pgbackrest archive-get would fail behind the copy",
                                            variable),
                                fmt::format("set it in the environment of Patroni (its unit's EnvironmentFile), or "
                                            "write {} into pgBackRest's configuration",
                                            option)});
        }
    }
    if (!problems.empty()) {
        throw Failure(ExitCode::preflight_refused, problems);
    }
}

void refuse_unfit_places(const Layout& layout) {
    auto findings = review_place(layout, look_at_place(layout));
    append(findings, review_temporary_directory());
    refuse_errors(findings);
}

void refuse_unstartable(const BootstrapArguments& arguments, const Request& request,
                        const std::filesystem::path& binaries) {
    if (!request.patroni) {
        return;
    }
    const bool is_certain = arguments.calling_patroni.has_value();  // else it may be there by the time Patroni starts
    const auto findings = patroni::review_server_start(*request.patroni, binaries, is_certain);
    is_certain ? refuse_errors(findings) : warn_of(findings);
}

void refuse_replay_settings(const Request& request, const std::filesystem::path& binaries) {
    refuse_errors(review_replay_settings(request, binaries));
}

void refuse_unfit_node(const Request& request, const Plan& plan, const Layout& layout) {
    std::vector<Finding> findings;
    review_node(request, plan, layout, findings);
    refuse_errors(findings);
}

std::vector<Finding> review_server_file_outside(const Request& request, const Plan& plan,
                                                const std::filesystem::path& binaries) {
    const auto file = server_file_outside(request);
    auto findings = review_server_file(request, binaries, file);
    if (findings.empty() || !file || !request.patroni) {
        return findings;
    }
    const auto backups = pgbackrest::top_files_of(request.pgbackrest, plan.backup);
    const bool is_judged_later = backups && patroni::gives_way(*request.patroni, *file, *backups);
    return is_judged_later ? review_server_file(request, binaries, std::nullopt) : findings;
}

void refuse_server_file(const Request& request, const Plan& plan, const std::filesystem::path& binaries) {
    refuse_errors(review_server_file_outside(request, plan, binaries));
}

void refuse_unfit_copy(const Request& request, const std::filesystem::path& binaries, const std::filesystem::path& copy,
                       ExitCode code) {
    take_out_data_directory(request, copy);
    auto findings = review_server_file(request, binaries, server_file(request, copy));
    if (request.patroni) {
        append(findings,
               patroni::review_startup_files(*request.patroni, patroni::look_into_copy(*request.patroni, copy),
                                             request.recovery == Recovery::patroni));
    }
    if (has_error(findings)) {
        throw Failure(code, errors_in(findings));
    }
}

}  // namespace patroni_pgbackrest::commands
