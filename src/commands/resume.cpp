#include "commands/resume.hpp"

#include "commands/arguments.hpp"
#include "commands/bootstrap.hpp"
#include "commands/command_line.hpp"
#include "patroni/data_directory.hpp"
#include "patroni/members.hpp"
#include "pgbackrest/retry.hpp"
#include "recovery/journal.hpp"
#include "recovery/staging.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace patroni_pgbackrest::commands {

using patroni::InitializeKey;
using recovery::Journal;
using recovery::Layout;
using recovery::Phase;

namespace {

/// `bootstrap` as Patroni would call it: the words of the block's command, with scope and data directory.
BootstrapArguments arguments_of_patroni(const patroni::ConfigurationSource& source,
                                        const patroni::Configuration& configuration) {
    const auto& command = configuration.method->command;
    const auto verb = std::find(command.begin(), command.end(), "bootstrap");
    std::vector<std::string> words(verb, command.end());
    if (words.empty()) {
        words.emplace_back("bootstrap");  // in a script of somebody's: the block holds what there is to know
    }
    if (configuration.scope) {
        words.push_back("--scope=" + configuration.scope->text);
    }
    words.push_back("--datadir=" + configuration.data_directory->text);
    BootstrapArguments arguments;
    arguments.options = parse_command_line(words).options;
    arguments.source = source;
    arguments.patroni = configuration;
    arguments.patroni_goes_on = true;
    return arguments;
}

/// The DCS may come up after this node.
patroni::ScopeState ask_until_known(const patroni::ConfigurationSource& source, const std::string& scope,
                                    const pgbackrest::RetryPolicy& retry) {
    for (pgbackrest::Retries retries{retry};;) {
        auto state = patroni::read_scope(source, scope);
        const auto& why = state.leadership.why_unknown;
        if (why.empty()) {
            return state;
        }
        if (!retries.another(fmt::format("the DCS cannot be asked about scope {}: {}", scope, why))) {
            throw Failure(
                ExitCode::repository_unreachable, fmt::format("the DCS cannot be asked about scope {}: {}", scope, why),
                "bring the DCS back, and see that patronictl works as the user of Patroni; nothing was changed");
        }
    }
}

/// Patroni may reject what it was handed over (its start or post_bootstrap fails) and be unable to rename it, in a
/// mount point for example. Started again, it would promote it.
void judge_what_is_in_place(const patroni::ConfigurationSource& source, const Journal& journal, const Layout& layout,
                            const pgbackrest::RetryPolicy& retry) {
    const auto goes_on = [](const patroni::ScopeState& state) {
        return state.leadership.leader || state.initialize == InitializeKey::initialized;
    };
    if (!journal.handed_over || !journal.handed_over->is(layout.data_directory)) {
        // Set aside by Patroni: a thing of the past as soon as the cluster goes on without it.
        if (const auto state = patroni::read_scope(source, journal.scope);
            state.leadership.why_unknown.empty() && goes_on(state)) {
            log::info("scope {} went on without the restore that Patroni set aside", journal.scope);
            recovery::forget(layout);
        }
        return;
    }
    const auto state = ask_until_known(source, journal.scope, retry);
    if (goes_on(state)) {
        log::info("scope {} is initialised: the restore of {} is over", journal.scope, layout.data_directory.string());
        recovery::forget(layout);
    } else if (state.initialize == InitializeKey::absent) {
        throw Failure(
            ExitCode::unsafe,
            fmt::format("Patroni did not accept {} after it was handed over, and could not set it aside: it "
                        "would be promoted by the next start",
                        layout.data_directory.string()),
            fmt::format("read what Patroni and post_bootstrap said; if the data is right, remove {}, else move "
                        "the data directory away",
                        layout.journal().string()));
    } else {
        log::info("{} is in place: Patroni goes on with it", layout.data_directory.string());
    }
}

/// Why there is nothing to be resumed; empty when there is.
std::string why_not(const patroni::ScopeState& state, const std::string& own_name) {
    if (state.leadership.leader) {
        return fmt::format("{} leads meanwhile: the cluster went on without this restore", *state.leadership.leader);
    }
    if (state.initialize == InitializeKey::initialized) {
        return "the cluster was initialised meanwhile: it went on without this restore";
    }
    if (state.initialize == InitializeKey::absent) {
        return "the DCS does not know the cluster: Patroni calls the bootstrap method itself";
    }
    for (const auto& name : state.bootstrapping) {
        if (name != own_name) {
            return fmt::format("{} bootstraps the cluster now", name);
        }
    }
    return {};
}

/// A restarted Patroni would run it as a standby, without its target.
void refuse_target_in_patroni_mode(const recovery::Request& request, const Layout& layout) {
    if (request.recovery != recovery::Recovery::patroni || (request.target.is_latest() && !request.timeline)) {
        return;
    }
    throw Failure(
        ExitCode::unsafe,
        fmt::format("the restore of scope {} to {} was interrupted, and in patroni mode only Patroni's own "
                    "bootstrap can finish it",
                    request.scope, request.target.text()),
        fmt::format("run patronictl remove {}, remove {} and start Patroni again: it calls the bootstrap method "
                    "anew, which goes on with the copy",
                    request.scope, layout.journal().string()));
}

void end_interrupted(const BootstrapArguments& arguments, const recovery::Request& request, const Journal& journal,
                     const Layout& layout) {
    if (!patroni::is_empty_for_patroni(layout.data_directory) && !recovery::hand_over_is_unfinished(layout)) {
        log::info("{} holds data meanwhile: nothing to resume", layout.data_directory.string());
        return;
    }
    const auto state = ask_until_known(arguments.source, journal.scope, request.retry);
    const auto& name = arguments.patroni->name;
    const auto reason = why_not(state, name ? name->text : "");
    if (!reason.empty()) {
        log::info("nothing to resume, {}", reason);
        return;
    }
    refuse_target_in_patroni_mode(request, layout);
    log::info("the bootstrap of scope {} was interrupted ({}): it goes on now, before Patroni starts", journal.scope,
              recovery::text(journal.phase));
    bootstrap(arguments);
}

}  // namespace

void resume(const ResumeArguments& given) {
    patroni::ConfigurationSource source;
    source.environment = own_patroni_environment();
    if (given.patroni_config) {
        source.path = std::filesystem::absolute(*given.patroni_config);
    }
    const auto configuration = patroni::read_configuration(source);
    if (!configuration) {
        throw Failure(ExitCode::usage, "no patroni.yml is given", "name it with --patroni-config");
    }
    if (!configuration->data_directory) {
        throw Failure(ExitCode::usage, configuration->source + ": postgresql.data_dir is missing", "set it");
    }
    const auto layout = recovery::choose_layout(configuration->data_directory->text);
    const auto journal = Journal::read(layout.journal());
    const bool is_ours = journal && configuration->scope && journal->scope == configuration->scope->text;
    if (!is_ours || !configuration->method) {
        return;
    }
    const auto arguments = arguments_of_patroni(source, *configuration);
    const auto request = recovery::make_request(arguments.options, arguments.patroni);
    if (journal->phase == Phase::handed_over) {
        judge_what_is_in_place(source, *journal, layout, request.retry);
    } else {
        end_interrupted(arguments, request, *journal, layout);
    }
}

}  // namespace patroni_pgbackrest::commands
