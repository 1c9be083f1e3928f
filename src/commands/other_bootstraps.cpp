#include "commands/other_bootstraps.hpp"

#include "patroni/data_directory.hpp"
#include "patroni/members.hpp"
#include "patroni/method_block.hpp"
#include "postgres/control_data.hpp"
#include "staging/journal.hpp"
#include "staging/lost_bootstrap.hpp"
#include "staging/rejected_directory.hpp"
#include "staging/resume_decision.hpp"
#include "system/failure.hpp"
#include "system/interruption.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fmt/format.h>
#include <optional>

namespace patroni_pgbackrest::commands {

namespace {

/// Another cluster's may be damaged, or a newer program's: that is for its own node to say.
std::optional<Journal> journal_of_neighbour(const std::filesystem::path& file) {
    try {
        return Journal::read(file);
    } catch (const Failure& failure) {
        log::warning("{}", failure.what());
        return std::nullopt;
    }
}

/// The data directory, beside it or the same, for which this member was restoring.
std::optional<std::filesystem::path> unfinished_neighbour(const BootstrapCall& call, const Layout& layout) {
    auto directories = restored_neighbours(layout.data_directory);
    directories.push_back(layout.data_directory);  // whose journal may lie where none would be made by now
    for (const auto& neighbour : directories) {
        for (const auto& file : journals_of(neighbour)) {
            const auto journal = journal_of_neighbour(file);
            const bool is_own = journal && journal->last_call().scope == call.scope &&
                                (journal->last_call().member.empty() || journal->last_call().member == call.member);
            if (is_own && journal->awaits_its_end()) {
                return neighbour;
            }
        }
    }
    return std::nullopt;
}

void refuse_or_warn(const ResumeVerdict& verdict) {
    if (verdict.failure) {
        throw Failure(*verdict.failure);
    }
    if (verdict.warning) {
        log::write(*verdict.warning, log::Level::warning);
    }
}

}  // namespace

void refuse_without_method(const patroni::ConfigurationSource& source, const patroni::Configuration& configuration,
                           const Layout& layout) {
    const auto journal = Journal::read(layout.journal());
    if (!journal || !journal->awaits_its_end() || !configuration.scope ||
        journal->last_call().scope != configuration.scope->text) {
        return;
    }
    const auto dcs = patroni::read_scope(source, configuration.scope->text);
    if (cluster_has_moved_on(dcs)) {
        return;
    }
    throw Failure(
        ExitCode::unsafe,
        fmt::format("{} tells of a bootstrap of scope {} that was interrupted ({}), and there is no file and "
                    "no PATRONI_CONFIGURATION with its method: Patroni would not go on with it",
                    layout.journal().string(), configuration.scope->text,
                    journal->planning ? "planned" : text(journal->phase)),
        fmt::format("give Patroni and resume the configuration that it had; if that restore is not wanted any "
                    "more, remove {} and {}",
                    system::shell_word(layout.staging.string()), system::shell_word(layout.journal().string())));
}

void refuse_what_was_rejected_elsewhere(const Layout& layout) {
    if (!postgres::read_control_file(layout.data_directory)) {
        return;
    }
    auto directories = restored_neighbours(layout.data_directory);
    directories.push_back(layout.data_directory);
    for (const auto& directory : directories) {
        for (const auto& file : journals_of(directory)) {
            const auto journal = file == layout.journal() ? std::nullopt : journal_of_neighbour(file);
            if (journal && is_refused_by(*journal, layout.data_directory)) {
                throw refusal_of_rejected(layout.data_directory, file, *journal);
            }
        }
    }
    const auto own = journal_of_neighbour(layout.journal());
    if (own && own->refuses(layout.data_directory)) {
        return;  // which decide_resume() tells
    }
    const auto mark = layout.data_directory / rejection_mark;
    if (const auto marked = journal_of_neighbour(mark); marked && is_refused_by(*marked, layout.data_directory)) {
        throw refusal_of_rejected(layout.data_directory, mark, *marked);
    }
}

void refuse_anothers_directory(const patroni::ConfigurationSource& source, const patroni::Configuration& configuration,
                               const Layout& layout) {
    ResumeFacts facts;
    facts.layout = layout;
    facts.own_name = configuration.member();
    facts.journal = Journal::read(layout.journal());
    const auto control = postgres::read_control_file(layout.data_directory);
    if (!control || !facts.journal || facts.journal->refuses(layout.data_directory) ||
        !is_handed_over_to_another(*facts.journal, facts.own_name, layout.data_directory)) {
        return;
    }
    facts.control = *control;
    auto verdict = decide_on_anothers(facts);
    if (verdict.action == ResumeAction::ask_dcs) {
        facts.dcs = patroni::read_scope(source, configuration.scope ? configuration.scope->text : facts.journal->scope);
        verdict = decide_on_anothers(facts);
    }
    refuse_or_warn(verdict);
}

void look_for_lost_bootstrap(const patroni::ConfigurationSource& source, const patroni::Configuration& configuration,
                             const Layout& layout) {
    if (!configuration.scope || !patroni::call_of_bootstrap(configuration) ||
        std::filesystem::exists(layout.journal()) || !patroni::is_empty_for_patroni(layout.data_directory)) {
        return;
    }
    const BootstrapCall call{configuration.scope->text, configuration.member(), {}};
    auto dcs = patroni::read_scope(source, call.scope);
    const auto neighbour = unfinished_neighbour(call, layout);
    auto verdict = decide_without_journal(call, layout, dcs, neighbour);
    const bool has_others = std::any_of(dcs.members.begin(), dcs.members.end(),
                                        [&](const std::string& member) { return member != call.member; });
    if (verdict.failure && has_others) {
        // One that has just taken the key says so in its next cycle only.
        constexpr std::chrono::seconds cycle{5};
        interruption::sleep(std::chrono::seconds(std::max(configuration.loop_wait, dcs.loop_wait)) + cycle);
        dcs = patroni::read_scope(source, call.scope);
        verdict = decide_without_journal(call, layout, dcs, neighbour);
    }
    refuse_or_warn(verdict);
}

}  // namespace patroni_pgbackrest::commands
