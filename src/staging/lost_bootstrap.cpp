#include "staging/lost_bootstrap.hpp"

#include "postgres/control_data.hpp"
#include "staging/own_name.hpp"
#include "staging/rejected_directory.hpp"
#include "system/file.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <system_error>

namespace patroni_pgbackrest {

namespace {

bool is_bootstrapped_by_another(const BootstrapCall& call, const patroni::ScopeState& dcs) {
    return std::any_of(dcs.bootstrapping.begin(), dcs.bootstrapping.end(),
                       [&](const std::string& member) { return member != call.member; });
}

/// Of the same data directory: whether staging lies beside or in it is another answer now than it was then.
Failure refusal_of_moved_staging(const Layout& layout, const std::string& how_to_remove) {
    const auto directory = layout.data_directory.string();
    const auto then = layout_of(layout.data_directory, !layout.inside);
    return Failure(
        ExitCode::unsafe,
        fmt::format("a restore into {} was interrupted, which lies in {} and would be looked for in {} now: the "
                    "directory has become a mount point since, or is none any more, or who may write to {} has "
                    "changed; the DCS holds the key of that bootstrap, so Patroni would wait for its end for ever",
                    directory, then.staging.string(), layout.staging.string(),
                    layout.data_directory.parent_path().string()),
        fmt::format("let {} be what it was then; or, if no other node restores, run {} and rm -rf {} {}, and start "
                    "Patroni: it restores anew",
                    directory, how_to_remove, system::shell_word(then.staging.string()),
                    system::shell_word(then.workspace.string())));
}

}  // namespace

Layout layout_with_journal(const std::filesystem::path& data_directory) {
    const auto layout = choose_layout(data_directory);
    const auto other = layout_of(layout.data_directory, !layout.inside);
    std::error_code error;
    if (system::is_present(layout.journal()) || !std::filesystem::exists(other.journal(), error)) {
        return layout;
    }
    const auto journal = Journal::read(other.journal());
    const bool is_in_place = journal && journal->phase == Phase::handed_over && !journal->planning &&
                             journal->handed_over_is(layout.data_directory);
    return is_in_place ? other : layout;
}

ResumeVerdict decide_without_journal(const BootstrapCall& call, const Layout& layout, const patroni::ScopeState& dcs,
                                     const std::optional<std::filesystem::path>& elsewhere) {
    if (dcs.initialize != patroni::InitializeKey::empty || !dcs.leadership.why_unknown.empty() ||
        dcs.leadership.leader) {
        return {};
    }
    if (const auto failure = refuse_without_name(call.member, dcs)) {
        return {.action = ResumeAction::refuse, .failure = failure};
    }
    if (is_bootstrapped_by_another(call, dcs)) {
        return {};
    }
    const auto directory = layout.data_directory.string();
    if (elsewhere && *elsewhere == layout.data_directory) {
        return {.action = ResumeAction::refuse,
                .failure = refusal_of_moved_staging(layout, dcs.how_to_remove(call.scope))};
    }
    if (elsewhere) {
        return {.action = ResumeAction::refuse,
                .failure = Failure(
                    ExitCode::unsafe,
                    fmt::format("a restore into {} was interrupted, and postgresql.data_dir is {} now: the DCS holds "
                                "the key of that bootstrap, so Patroni would wait for its end for ever",
                                elsewhere->string(), directory),
                    fmt::format("set data_dir to {} again; or, if no other node restores, run {} "
                                "and start Patroni: it restores into {} then",
                                elsewhere->string(), dcs.how_to_remove(call.scope), directory))};
    }
    return {.warning = Problem{
                fmt::format("a bootstrap of scope {} is under way or was interrupted, and {} knows nothing of it",
                            call.scope, layout.journal().string()),
                fmt::format("if no other node restores, Patroni waits for ever: set data_dir to what it was, bring its "
                            "disk back, or run {} and start Patroni again",
                            dcs.how_to_remove(call.scope))}};
}

bool is_refused_by(const Journal& journal, const std::filesystem::path& data_directory) {
    const bool is_same_inode =
        !journal.begun_timeline && !system::is_mount_point(data_directory) && journal.handed_over_is(data_directory);
    return journal.refuses(data_directory) && (journal.is_copied_to(data_directory) || is_same_inode);
}

Failure refusal_of_rejected(const std::filesystem::path& data_directory, const std::filesystem::path& journal_file,
                            const Journal& journal) {
    const auto mark = data_directory / rejection_mark;
    auto files = system::shell_word(journal_file.string());
    if (journal_file != mark && system::is_present(mark)) {
        files += " and " + system::shell_word(mark.string());
    }
    const auto why =
        journal.rejected ? "verify rejected it: " + journal.rejected->message : "Patroni did not accept it";
    return Failure(ExitCode::unsafe,
                   fmt::format("{} holds what {} tells of, and {}: the next start would promote it, or take it for a "
                               "replica",
                               data_directory.string(), journal_file.string(), why),
                   fmt::format("if the data is right and no other node has it, remove {}, else move the data directory "
                               "away",
                               files));
}

std::optional<Journal> read_journal_or_warn(const std::filesystem::path& file) {
    try {
        return Journal::read(file);
    } catch (const Failure& failure) {
        log::warning("{}", failure.what());
        return std::nullopt;
    }
}

namespace {

/// `own` is the journal in its place, which is asked for once at most.
std::optional<Failure> rejection_elsewhere(const Layout& layout, const std::function<std::optional<Journal>()>& own) {
    const auto& data_directory = layout.data_directory;
    if (!postgres::read_control_file(data_directory)) {
        return std::nullopt;
    }
    auto directories = restored_neighbours(data_directory);
    directories.push_back(data_directory);
    for (const auto& directory : directories) {
        for (const auto& file : journals_of(directory)) {
            const auto journal = file == layout.journal() ? std::nullopt : read_journal_or_warn(file);
            if (journal && is_refused_by(*journal, data_directory)) {
                return refusal_of_rejected(data_directory, file, *journal);
            }
        }
    }
    const auto in_place = own();
    const auto mark = data_directory / rejection_mark;
    const auto marked = in_place && in_place->refuses(data_directory) ? std::nullopt : read_journal_or_warn(mark);
    return marked && is_refused_by(*marked, data_directory)
               ? std::optional(refusal_of_rejected(data_directory, mark, *marked))
               : std::nullopt;
}

}  // namespace

std::optional<Failure> find_rejection_elsewhere(const Layout& layout) {
    return rejection_elsewhere(layout, [&] { return read_journal_or_warn(layout.journal()); });
}

std::optional<Failure> find_rejection(const Layout& layout) {
    const auto own = read_journal_or_warn(layout.journal());
    return own && own->refuses(layout.data_directory)
               ? std::optional(refusal_of_rejected(layout.data_directory, layout.journal(), *own))
               : rejection_elsewhere(layout, [&] { return own; });
}

bool is_handed_over_to_another(const Journal& journal, const std::string& own_name,
                               const std::filesystem::path& data_directory) {
    return journal.phase == Phase::handed_over && !journal.member.empty() && !own_name.empty() &&
           journal.member != own_name && journal.handed_over_is(data_directory) &&
           (!journal.is_copy || journal.is_copied_to(data_directory));
}

ResumeVerdict decide_on_anothers(const ResumeFacts& facts) {
    const auto& journal = *facts.journal;
    const auto refuse = [&](const std::string& why) {
        const auto directory = facts.layout.data_directory.string();
        return ResumeVerdict{
            .action = ResumeAction::refuse,
            .failure = Failure(
                ExitCode::unsafe,
                fmt::format("{} was handed over to member {}, and this is {}: {}, so Patroni would make a second "
                            "history of it here",
                            directory, journal.member, facts.own_name, why),
                fmt::format("if {} has it, move {} away: Patroni makes a replica then; if this node is to lead with "
                            "it, and no other has it, remove {}",
                            journal.member, system::shell_word(directory),
                            system::shell_word(facts.layout.journal().string())))};
    };
    if (journal.has_never_started(facts.control)) {
        return refuse("it was never started");
    }
    if (!facts.dcs) {
        return {.action = ResumeAction::ask_dcs};
    }
    const auto& dcs = *facts.dcs;
    const bool has_key = dcs.initialize == patroni::InitializeKey::initialized;
    if (dcs.leadership.why_unknown.empty() && !dcs.leadership.leader && !has_key &&
        dcs.initialize != patroni::InitializeKey::unknown) {
        return refuse("nobody leads the cluster, and it was not initialised");
    }
    const auto state = !dcs.leadership.why_unknown.empty() ? "the DCS cannot be asked: " + dcs.leadership.why_unknown
                       : dcs.leadership.leader             ? *dcs.leadership.leader + " leads"
                                                           : "nobody leads";
    return {.warning = Problem{
                fmt::format("{} was handed over to member {}, and this is {}; {}", facts.layout.data_directory.string(),
                            journal.member, facts.own_name, state),
                fmt::format("if it is a replica's by now, remove {}; if {} has it, and nobody leads, move it away",
                            system::shell_word(facts.layout.journal().string()), journal.member)}};
}

}  // namespace patroni_pgbackrest
