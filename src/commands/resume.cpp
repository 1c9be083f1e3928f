#include "commands/resume.hpp"

#include "commands/arguments.hpp"
#include "commands/bootstrap.hpp"
#include "commands/command_line.hpp"
#include "commands/living_leader.hpp"
#include "commands/other_bootstraps.hpp"
#include "patroni/data_directory.hpp"
#include "patroni/method_block.hpp"
#include "pgbackrest/retry.hpp"
#include "staging/discard.hpp"
#include "staging/hand_over.hpp"
#include "staging/kept_base.hpp"
#include "staging/lost_bootstrap.hpp"
#include "staging/rejected_directory.hpp"
#include "staging/renamed_link.hpp"
#include "staging/resume_decision.hpp"
#include "staging/set_aside.hpp"
#include "system/file.hpp"
#include "system/interruption.hpp"
#include "system/lock.hpp"
#include "system/log.hpp"

#include <filesystem>
#include <fmt/format.h>

namespace patroni_pgbackrest::commands {

namespace {

/// `bootstrap` as Patroni would call it: the words of the block's command, with scope and data directory.
BootstrapArguments arguments_of_patroni(const patroni::ConfigurationSource& source,
                                        const patroni::Configuration& configuration) {
    const auto call = patroni::call_of_bootstrap(configuration);
    auto words = call ? call->words : std::vector<std::string>{"bootstrap"};
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

/// Why a journal is not that of this patroni.yml's bootstrap; empty when it is.
std::string why_not_own(const patroni::Configuration& configuration, const Journal& journal) {
    const auto call = journal.last_call();
    const auto is = [](const std::optional<patroni::Value>& setting, const std::string& value) {
        return setting && setting->text == value;
    };
    if (!is(configuration.scope, call.scope)) {
        return fmt::format("it is of scope {}", call.scope);
    }
    // A base backup of a finished restore in a mount point brings the journal to another member.
    if (journal.phase == Phase::handed_over && !call.member.empty() && configuration.name &&
        !is(configuration.name, call.member)) {
        return fmt::format("it is of member {}", call.member);
    }
    return configuration.method ? "" : "bootstrap.method names no block with a command";
}

/// The journal of a bootstrap of this node. What was rejected stays so, whatever patroni.yml says now.
std::optional<Journal> own_journal(const patroni::Configuration& configuration, const Layout& layout) {
    auto journal = Journal::read(layout.journal());
    if (!journal) {
        return std::nullopt;
    }
    const auto why = why_not_own(configuration, *journal);
    if (why.empty() || journal->refuses(layout.data_directory)) {
        return journal;
    }
    log::write({fmt::format("{} is not looked at: {}", layout.journal().string(), why),
                "if it tells of nothing that is wanted, remove it and the staging directory beside it; else start "
                "Patroni with the configuration that it had"},
               log::Level::warning);
    return std::nullopt;
}

/// Everything but the DCS. Takes back first what is half in place.
ResumeFacts look_around(const patroni::ConfigurationSource& source, const patroni::Configuration& configuration) {
    ResumeFacts facts;
    facts.layout = layout_with_journal(configuration.data_directory->text);
    facts.journal = own_journal(configuration, facts.layout);
    if (!facts.journal) {
        return facts;
    }
    facts.own_name = configuration.member();
    facts.loop_wait = configuration.loop_wait;
    const auto& directory = facts.layout.data_directory;
    const auto is_empty = [&] { return patroni::is_empty_for_patroni(directory); };
    const auto control = postgres::read_control_file(directory);
    if (control && (facts.journal->handed_over_is(directory) || facts.journal->refuses(directory))) {
        facts.in_place = InPlace::handed_over;
    }
    if (facts.is_unfinished()) {
        const bool is_whole = hand_over_is_done(facts.layout);
        if (!is_whole) {
            undo_hand_over(facts.layout);
        }
        facts.in_place = is_whole ? InPlace::whole : is_empty() ? InPlace::nothing : InPlace::something_else;
        if (facts.in_place != InPlace::something_else) {
            facts.request =
                make_request_in_any_mode(arguments_of_patroni(source, configuration).options, configuration);
            facts.method = configuration.method->name;
            facts.is_script = !patroni::call_of_bootstrap(configuration);
            facts.patronis_call = patronis_call(*facts.request);
        }
    } else if (facts.in_place == InPlace::handed_over) {
        facts.control = *control;
        facts.recovery_ended_at = end_of_recovery(directory, control->timeline);
        facts.uptime = system::Uptime::now();
    } else {
        facts.in_place = is_empty() ? InPlace::nothing : InPlace::something_else;
    }
    return facts;
}

/// Asks, and writes down whether the DCS held a configuration before anybody led: see Journal::never_led.
void ask_dcs(const patroni::ConfigurationSource& source, ResumeFacts& facts) {
    facts.dcs = without_dead_leader(source, facts.scope(), patroni::read_scope(source, facts.scope()));
    facts.modes = patroni::modes_in_force(patroni::with_dcs(source, facts.scope(), *facts.dcs));
    const auto& leadership = facts.dcs->leadership;
    if (facts.dcs->initialize == patroni::InitializeKey::empty && leadership.why_unknown.empty() &&
        !leadership.leader) {
        facts.journal->never_led = !facts.dcs->configured;
        change_journal(facts.layout, [&](Journal& journal) { journal.never_led = facts.journal->never_led; });
    }
}

/// What is abandoned is never resumed, and tablespaces belong to whoever fills them next.
void abandon(const Layout& layout, bool cluster_lives) {
    change_journal(layout, [&](Journal& journal) {
        if (cluster_lives) {
            for (const auto& problem : filled_places(layout, journal)) {
                log::write(problem, log::Level::warning);
            }
        }
        journal.given_up = true;
        journal.planning.reset();
        // What is in them may be another's by the next try: only a copy that looks at each file is right then.
        if (journal.phase < Phase::handed_over && !journal.places.paths().empty()) {
            journal.phase = Phase::copying;
        }
        if (cluster_lives) {
            journal.places.clear();
            journal.base.reset();
            remove_base(layout);  // the replica needs its room
        }
    });
    if (cluster_lives) {
        system::remove_file(layout.staging / made_places_file);
    }
}

void warn_of_what_is_kept_inside(const Layout& layout) {
    if (const auto problem = kept_inside(layout)) {
        log::write(*problem, log::Level::warning);
    }
}

pgbackrest::Retries all_retries_of(const ResumeFacts& facts) {
    return pgbackrest::Retries(facts.request ? facts.request->retry : pgbackrest::RetryPolicy{});
}

/// A data directory that was a link, which Patroni has renamed: see RenamedLink. As with any restore that it set aside
/// nothing is in the way once the cluster goes on without it.
void look_at_renamed_link(const patroni::ConfigurationSource& source, const patroni::Configuration& configuration) {
    const auto moved = find_renamed_link(configuration.data_directory->text);
    if (!moved) {
        return;
    }
    const auto scope = configuration.scope ? configuration.scope->text : std::string();
    if (scope.empty() ||
        !cluster_has_moved_on(without_dead_leader(source, scope, patroni::read_scope(source, scope)))) {
        return refuse_renamed_link(configuration.data_directory->text, configuration);
    }
    leave_renamed_link(*moved, scope);
}

/// Decides and acts, until there is nothing left to be asked or finished.
void resume(const patroni::ConfigurationSource& source, const patroni::Configuration& configuration) {
    look_at_renamed_link(source, configuration);
    auto facts = look_around(source, configuration);
    const auto& layout = facts.layout;
    refuse_what_was_rejected_elsewhere(layout);
    if (!facts.journal) {
        warn_of_what_is_kept_inside(layout);
        refuse_anothers_directory(source, configuration, layout);
        return look_for_lost_bootstrap(source, configuration, layout);
    }
    const system::Lock one_at_a_time(layout.resume_lock());
    note_rejected_runs(configuration, layout);
    facts = look_around(source, configuration);
    if (facts.in_place == InPlace::handed_over && !facts.journal->base) {
        remove_base(layout);  // which a kill behind the hand-over left
    }
    auto retries = all_retries_of(facts);
    for (;;) {
        const auto verdict = decide_resume(facts);
        if (!verdict.log.empty()) {
            log::info("{}", verdict.log);
        }
        if (verdict.warning) {
            log::write(*verdict.warning, log::Level::warning);
        }
        switch (verdict.action) {
        case ResumeAction::start_patroni:
            return;
        case ResumeAction::discard_journal:
            discard_journal(layout);
            return warn_of_what_is_kept_inside(layout);
        case ResumeAction::abandon:
            return abandon(layout, verdict.cluster_lives);
        case ResumeAction::remove_unfinished:
            log::info("what is in {} goes: a replica is made in an empty directory only", layout.staging.string());
            discard_unfinished_restore(layout);
            return warn_of_what_is_kept_inside(layout);
        case ResumeAction::refuse_from_now_on:
            change_journal(layout, [&](Journal& journal) {
                journal.not_accepted = true;
                journal.note_begun_timeline(layout.data_directory);  // by which it is known wherever it is moved to
                mark_rejected_directory(journal, layout.data_directory);
            });
            note_rejected_runs(configuration, layout);
            throw Failure(*verdict.failure);
        case ResumeAction::refuse:
            throw Failure(*verdict.failure);
        case ResumeAction::continue_bootstrap:
            bootstrap(arguments_of_patroni(source, configuration));
            // It may have taken hours, in which another node was told to bootstrap.
            facts = look_around(source, configuration);
            continue;
        case ResumeAction::finish_hand_over:
            finish_hand_over(*facts.request);
            facts = look_around(source, configuration);
            continue;
        case ResumeAction::ask_dcs:
            retries = all_retries_of(facts);
            break;
        case ResumeAction::ask_dcs_again:
            interruption::sleep(verdict.pause);
            facts.asked_twice = true;
            retries = all_retries_of(facts);
            break;
        case ResumeAction::ask_dcs_until_it_tells:
            if (!retries.another(verdict.failure->what())) {
                throw Failure(*verdict.failure);
            }
            break;
        }
        ask_dcs(source, facts);
    }
}

}  // namespace

void resume(const ResumeArguments& given) {
    patroni::ConfigurationSource source;
    source.environment = own_patroni_environment();
    if (given.patroni_config) {
        source.path = std::filesystem::absolute(*given.patroni_config);
    }
    const auto configuration = patroni::read_configuration(source);
    choose_log_format(given.log_format, configuration);
    if (!configuration) {
        throw Failure(ExitCode::usage, "no patroni.yml is given", "name it with --patroni-config");
    }
    if (!configuration->data_directory) {
        throw Failure(ExitCode::usage, configuration->source + ": postgresql.data_dir is missing",
                      configuration->only_variables ? "set PATRONI_POSTGRESQL_DATA_DIR" : "set it");
    }
    if (configuration->only_variables) {
        refuse_without_method(source, *configuration, choose_layout(configuration->data_directory->text));
        log::info("no file and no PATRONI_CONFIGURATION: no variable can name a bootstrap method, so there is none to "
                  "resume");
    }
    take_variables(*configuration);
    resume(source, *configuration);
}

}  // namespace patroni_pgbackrest::commands
