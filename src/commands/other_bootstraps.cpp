#include "commands/other_bootstraps.hpp"

#include "patroni/data_directory.hpp"
#include "patroni/members.hpp"
#include "patroni/method_block.hpp"
#include "postgres/control_data.hpp"
#include "staging/journal.hpp"
#include "staging/lost_bootstrap.hpp"
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

/// The data directory, beside it or the same, for which this member was restoring.
std::optional<std::filesystem::path> unfinished_neighbour(const BootstrapCall& call, const Layout& layout) {
    auto directories = restored_neighbours(layout.data_directory);
    directories.push_back(layout.data_directory);  // whose journal may lie where none would be made by now
    for (const auto& neighbour : directories) {
        for (const auto& file : journals_of(neighbour)) {
            const auto journal = read_journal_or_warn(file);
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
    if (const auto refusal = find_rejection_elsewhere(layout)) {
        throw Failure(*refusal);
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
