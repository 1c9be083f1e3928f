#include "commands/resume.hpp"

#include "commands/arguments.hpp"
#include "commands/bootstrap.hpp"
#include "commands/command_line.hpp"
#include "patroni/data_directory.hpp"
#include "patroni/members.hpp"
#include "pgbackrest/retry.hpp"
#include "postgres/control_data.hpp"
#include "staging/discard.hpp"
#include "staging/hand_over.hpp"
#include "staging/journal.hpp"
#include "system/interruption.hpp"
#include "system/log.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <sys/stat.h>

namespace patroni_pgbackrest::commands {

using patroni::InitializeKey;

namespace {

/// The words of the block's command from `bootstrap` on; empty when the command is somebody's script.
std::vector<std::string> words_of_method(const patroni::Configuration& configuration) {
    const auto& command = configuration.method->command;
    return {std::find(command.begin(), command.end(), "bootstrap"), command.end()};
}

/// `bootstrap` as Patroni would call it: the words of the block's command, with scope and data directory.
BootstrapArguments arguments_of_patroni(const patroni::ConfigurationSource& source,
                                        const patroni::Configuration& configuration) {
    auto words = words_of_method(configuration);
    if (words.empty()) {
        words.emplace_back("bootstrap");
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

std::string own_name(const patroni::Configuration& configuration) {
    return configuration.name ? configuration.name->text : "";
}

enum class Key { any, known };

/// The DCS may come up after this node. With Key::known the answer has a leader or says what the key is.
patroni::ScopeState ask_until_known(const patroni::ConfigurationSource& source, const std::string& scope, Key key,
                                    const Layout& layout, const pgbackrest::RetryPolicy& retry) {
    for (pgbackrest::Retries retries{retry};;) {
        auto state = patroni::read_scope(source, scope);
        auto why = state.leadership.why_unknown;
        std::string hint =
            "bring the DCS back, and see that patronictl works as the user of Patroni; nothing was changed";
        if (why.empty() && key == Key::known && !state.leadership.leader &&
            state.initialize == InitializeKey::unknown) {
            why = "patronictl answers, but the initialize key cannot be read";
            hint =
                "let patronictl's first line name the Python that has Patroni's library; or remove the journal if the "
                "data is right: " +
                layout.journal().string();
        }
        if (why.empty()) {
            return state;
        }
        if (!retries.another(fmt::format("the DCS cannot be asked about scope {}: {}", scope, why))) {
            throw Failure(ExitCode::repository_unreachable,
                          fmt::format("the DCS cannot be asked about scope {}: {}", scope, why), hint);
        }
    }
}

/// The first name that is not this member's; empty when there is none.
std::string other_than(const std::string& own_name, const std::vector<std::string>& names) {
    const auto other = std::find_if(names.begin(), names.end(), [&](const auto& name) { return name != own_name; });
    return other == names.end() ? std::string() : *other;
}

/// pg_control's time has seconds only: PostgreSQL may be started in the one in which the replay's server was stopped.
bool has_never_started(const postgres::ControlFile& control, const Journal& journal) {
    const bool is_replayed = journal.reached.has_value();
    return control.written_at == journal.handed_over->control_written_at &&
           (!is_replayed || control.state == postgres::ClusterState::shut_down);
}

/// Whether it was a primary last, on the leader's timeline or a later one: the leader is no successor of it then, and
/// Patroni, for which one timeline is one history, would not rewind it.
bool has_rival_history(const std::optional<postgres::ControlFile>& control, const patroni::Leadership& leadership) {
    using postgres::ClusterState;
    return control && control->state != ClusterState::in_archive_recovery &&
           control->state != ClusterState::shut_down_in_recovery && leadership.timeline != 0 &&
           leadership.timeline <= control->timeline.number;
}

/// Asks as ask_until_known does, and again where the answer may be too old. What a member does stands in the DCS after
/// its next cycle only: that it has taken the empty key (ha.py bootstrap, run_cycle: the state is set after that
/// cycle's touch_member), and the timeline to which a new leader promotes.
patroni::ScopeState ask_settled(const patroni::ConfigurationSource& source, const patroni::Configuration& configuration,
                                const std::string& scope, Key key, const Layout& layout,
                                const pgbackrest::RetryPolicy& retry,
                                const std::optional<postgres::ControlFile>& control = {}) {
    constexpr std::chrono::seconds cycle{5};  // what one takes beside its wait
    auto state = ask_until_known(source, scope, key, layout, retry);
    const auto name = own_name(configuration);
    const auto& leader = state.leadership.leader;
    const bool may_have_the_key =
        !leader && state.initialize == InitializeKey::empty && other_than(name, state.bootstrapping).empty();
    const bool may_promote = leader && has_rival_history(control, state.leadership);
    const auto other = other_than(name, state.members);
    if (!other.empty() && (may_have_the_key || may_promote)) {
        const auto pause = std::chrono::seconds(std::max(configuration.loop_wait, state.loop_wait)) + cycle;
        log::info("{} is there too: asking the DCS again in {} s, by when it will have said what it does now", other,
                  pause.count());
        interruption::sleep(pause);
        state = ask_until_known(source, scope, key, layout, retry);
    }
    return state;
}

/// A configuration that is in the DCS before anybody leads is a remainder, and tells nothing later.
void note_configuration(const patroni::ScopeState& state, const Layout& layout) {
    if (state.initialize == InitializeKey::empty && !state.leadership.leader) {
        change_journal(layout, [&](Journal& journal) { journal.never_led = !state.configured; });
    }
}

bool went_on(const patroni::ScopeState& state) {
    return state.leadership.leader || state.initialize == InitializeKey::initialized;
}

/// A data directory that lived for so long after its recovery was accepted: longer than any post_bootstrap takes. In
/// patroni mode the recovery ends later, with the history file of a new timeline.
bool has_lived(const Journal& journal, const postgres::ControlFile& control, const Layout& layout) {
    constexpr std::int64_t a_day = 86400;
    struct stat history {};
    const auto file = layout.data_directory / "pg_wal" / control.timeline.history_file();
    return journal.goal && control.timeline > journal.goal->timeline && ::stat(file.c_str(), &history) == 0 &&
           control.written_at > std::max<std::int64_t>(journal.handed_over->at, history.st_mtime) + a_day;
}

[[noreturn]] void refuse_what_is_in_place(const Layout& layout, const std::string& why) {
    throw Failure(ExitCode::unsafe,
                  fmt::format("{} was handed over, but {}: the next start would promote it, or take it for a replica",
                              layout.data_directory.string(), why),
                  fmt::format("read what Patroni and post_bootstrap said; if the data is right and no other node has "
                              "it, remove {}, else move the data directory away",
                              layout.journal().string()));
}

/// Whether Patroni goes on with it, has gone on without it, or would promote what is out of date.
void judge_by_the_dcs(const patroni::ConfigurationSource& source, const patroni::Configuration& configuration,
                      const Journal& journal, const Layout& layout,
                      const std::optional<postgres::ControlFile>& control) {
    const auto state = ask_settled(source, configuration, journal.scope, Key::known, layout, {}, control);
    note_configuration(state, layout);
    const auto name = own_name(configuration);
    const auto& leader = state.leadership.leader;
    const auto other = other_than(name, state.bootstrapping);
    const bool never_started = control && has_never_started(*control, journal);
    if (leader && *leader != name) {
        if (never_started) {
            refuse_what_is_in_place(layout, fmt::format("never started, and {} leads without it", *leader));
        }
        if (has_rival_history(control, state.leadership)) {
            refuse_what_is_in_place(layout, fmt::format("{} leads without it, on timeline {} like this one", *leader,
                                                        state.leadership.timeline));
        }
    }
    if (never_started && state.initialize == InitializeKey::initialized && state.configured && journal.never_led) {
        refuse_what_is_in_place(layout, "never started, and the cluster has had a leader without it");
    }
    if (never_started && state.initialize == InitializeKey::initialized) {
        log::info("{} is in place, and PostgreSQL has not started there yet: Patroni goes on with it",
                  layout.data_directory.string());
    } else if (went_on(state)) {
        log::info("scope {} is initialised: the restore of {} is over", journal.scope, layout.data_directory.string());
        discard_journal(layout);
    } else if (state.initialize == InitializeKey::absent || !other.empty()) {
        change_journal(layout, [](Journal& now) { now.not_accepted = true; });
        refuse_what_is_in_place(layout, other.empty() ? "Patroni did not accept it"
                                                      : fmt::format("{} bootstraps the cluster now", other));
    } else {
        log::info("{} is in place: Patroni goes on with it", layout.data_directory.string());
    }
}

/// Patroni may reject what it was handed over (its start or post_bootstrap fails) and be unable to rename it, in a
/// mount point for example. Started again, it would promote it.
void judge_what_is_in_place(const patroni::ConfigurationSource& source, const patroni::Configuration& configuration,
                            const Journal& journal, const Layout& layout) {
    if (!journal.handed_over_is(layout.data_directory)) {
        // Set aside by Patroni: a thing of the past as soon as the cluster goes on without it.
        if (const auto state = patroni::read_scope(source, journal.scope);
            state.leadership.why_unknown.empty() && went_on(state)) {
            log::info("scope {} went on without the restore that Patroni set aside", journal.scope);
            discard_journal(layout);
        }
        return;
    }
    const auto control = postgres::read_control_file(layout.data_directory);
    if (control && has_lived(journal, *control, layout)) {
        log::info("{} has been in use since its restore, which is over", layout.data_directory.string());
        discard_journal(layout);
        return;
    }
    if (journal.rejected) {
        refuse_what_is_in_place(layout, "verify rejected it: " + journal.rejected->message);
    }
    if (journal.not_accepted) {
        refuse_what_is_in_place(layout, "Patroni did not accept it");
    }
    judge_by_the_dcs(source, configuration, journal, layout, control);
}

/// Why there is nothing to be resumed; empty when there is.
std::string why_nothing_to_resume(const patroni::ScopeState& state, const std::string& own_name) {
    if (state.leadership.leader) {
        return fmt::format("{} leads meanwhile: the cluster went on without this restore", *state.leadership.leader);
    }
    if (state.initialize == InitializeKey::initialized) {
        return "the cluster was initialised meanwhile: it went on without this restore";
    }
    if (state.initialize == InitializeKey::absent) {
        return "the DCS does not know the cluster: Patroni calls the bootstrap method itself";
    }
    const auto other = other_than(own_name, state.bootstrapping);
    return other.empty() ? "" : fmt::format("{} bootstraps the cluster now", other);
}

/// A restarted Patroni would run it as a standby, without its target.
void refuse_target_in_patroni_mode(const Request& request) {
    if (request.recovery != Recovery::patroni || (request.target.is_latest() && !request.timeline)) {
        return;
    }
    throw Failure(
        ExitCode::unsafe,
        fmt::format("the restore of scope {} to {} was interrupted, and in patroni mode only Patroni's own "
                    "bootstrap can finish it",
                    request.scope, request.target.text()),
        fmt::format("stop Patroni on every node, run patronictl remove {} and start Patroni here: it calls the "
                    "bootstrap method anew, which goes on with the copy",
                    request.scope));
}

/// What a script of somebody's gives `bootstrap` cannot be seen from here.
void refuse_what_a_script_asked_for(const patroni::Configuration& configuration, const Request& request,
                                    const std::string& begun) {
    if (!words_of_method(configuration).empty() || begun == identity_of(request)) {
        return;
    }
    throw Failure(ExitCode::unsafe,
                  fmt::format("the interrupted restore was asked for with options that are not in the block {} ({})",
                              configuration.method->name, begun),
                  "write the options that the script gives into the block, then start Patroni again");
}

enum class Next { own, others };

/// The cluster goes on elsewhere, or Patroni begins anew: what was interrupted is not resumed later, and tablespaces
/// belong to whoever fills them next. A staging directory in the data directory goes when others go on, since
/// pg_basebackup takes no directory with anything in it.
void give_up(const Layout& layout, const Journal& journal, Next next, bool cluster_lives) {
    if (journal.only_planned()) {
        discard_journal(layout);
        return;
    }
    if (layout.inside && next == Next::others) {
        log::info("what is in {} goes: a replica is made in an empty directory only", layout.staging.string());
        discard_unfinished_restore(layout);
        return;
    }
    change_journal(layout, [&](Journal& now) {
        now.given_up = true;
        now.planning.reset();
        if (cluster_lives) {
            now.outside.clear();
            now.births.clear();
        }
    });
}

void end_interrupted(const BootstrapArguments& arguments, const Request& request, const Journal& journal,
                     const Layout& layout) {
    const auto begun = journal.last_call();
    const auto state = ask_settled(arguments.source, *arguments.patroni, begun.scope, Key::any, layout, request.retry);
    note_configuration(state, layout);
    const auto reason = why_nothing_to_resume(state, own_name(*arguments.patroni));
    if (!reason.empty()) {
        log::info("nothing to resume, {}", reason);
        give_up(layout, journal, state.initialize == InitializeKey::absent ? Next::own : Next::others, went_on(state));
        return;
    }
    if (journal.given_up) {
        log::info("nothing to resume, Patroni gave that bootstrap of scope {} up: the one that is under way is another "
                  "node's",
                  begun.scope);
        return;
    }
    refuse_what_a_script_asked_for(*arguments.patroni, request, begun.request);
    refuse_target_in_patroni_mode(request);
    log::info("the bootstrap of scope {} was interrupted ({}): it goes on now, before Patroni starts", begun.scope,
              journal.planning ? "planning" : text(journal.phase));
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
    const auto layout = choose_layout(configuration->data_directory->text);
    auto journal = Journal::read(layout.journal());
    const auto is = [](const std::optional<patroni::Value>& setting, const std::string& value) {
        return setting && setting->text == value;
    };
    // A base backup of a finished restore in a mount point brings the journal to another member.
    const bool is_another_members = journal && journal->phase == Phase::handed_over &&
                                    !journal->last_call().member.empty() && configuration->name &&
                                    !is(configuration->name, journal->last_call().member);
    const bool is_ours = journal && is(configuration->scope, journal->last_call().scope) && !is_another_members;
    if (!is_ours || !configuration->method) {
        return;
    }
    const bool begins_again = journal->planning && !journal->handed_over_is(layout.data_directory);
    if (journal->phase != Phase::handed_over || begins_again) {
        const bool is_done = hand_over_is_done(layout);
        if (!is_done) {
            undo_hand_over(layout);
        }
        if (!is_done && !patroni::is_empty_for_patroni(layout.data_directory)) {
            log::info("{} holds data meanwhile: nothing to resume", layout.data_directory.string());
            give_up(layout, *journal, Next::others, true);
            return;
        }
        const auto arguments = arguments_of_patroni(source, *configuration);
        const auto request = make_request(arguments.options, arguments.patroni);
        if (!is_done) {
            end_interrupted(arguments, request, *journal, layout);
            return;
        }
        finish_hand_over(request);
        journal = Journal::read(layout.journal());
    }
    judge_what_is_in_place(source, *configuration, *journal, layout);
}

}  // namespace patroni_pgbackrest::commands
