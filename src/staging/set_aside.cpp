#include "staging/set_aside.hpp"

#include "staging/journal.hpp"
#include "staging/rejected_directory.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <system_error>
#include <utility>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

struct SetAside {
    fs::path directory;
    Fate fate;
};

/// What was handed over and has Patroni's name for it, or the one by which a person says that Patroni gave it up.
std::optional<SetAside> find_handed_over(const std::optional<patroni::Configuration>& patroni, const Layout& layout,
                                         const std::optional<Journal>& journal) {
    if (!journal || journal->phase != Phase::handed_over || !journal->handed_over ||
        !system::is_empty_or_absent(layout.staging)) {
        return std::nullopt;
    }
    const auto parent = layout.data_directory.parent_path();
    const auto name = layout.data_directory.filename().string();
    // What a person moved for a statement may have gone there entry by entry.
    const auto is_it = [&](const fs::path& path, const std::string& entry) {
        return is_named_given_up(entry, name) ? journal->handed_over_is(path) || journal->is_copied_to(path)
                                              : is_patronis_name(entry, name) && journal->handed_over_is(path);
    };
    for (const auto& entry : system::entries(parent)) {
        if (const auto path = parent / entry; is_it(path, entry)) {
            return SetAside{path, fate_of(*journal, path, name, patroni)};
        }
    }
    if (const auto hidden = layout.data_directory / ".given-up"; is_it(hidden, ".given-up")) {
        return SetAside{hidden, Fate::given_up};
    }
    return std::nullopt;
}

std::optional<fs::path> find_set_aside(const std::optional<patroni::Configuration>& patroni, const Layout& layout,
                                       const std::optional<Journal>& journal) {
    const auto found = find_handed_over(patroni, layout, journal);
    return found && found->fate == Fate::given_up ? std::optional(found->directory) : std::nullopt;
}

}  // namespace

std::optional<Failure> why_unclear(const std::optional<patroni::Configuration>& patroni, const Layout& layout) {
    const auto found = find_handed_over(patroni, layout, Journal::read(layout.journal()));
    if (!found || found->fate != Fate::unknown) {
        return std::nullopt;
    }
    const auto directory = found->directory.string();
    const auto renamed_to = [&](const char* ending) {
        return fmt::format("mv -T {} {}", system::shell_word(directory),
                           system::shell_word(layout.data_directory.string() + ending));
    };
    return Failure(
        ExitCode::unsafe,
        fmt::format("{} was handed over by an earlier run, and PostgreSQL came up in it: nothing proves "
                    "whether Patroni gave it up behind its post_bootstrap or it led, so whether its "
                    "timeline is to be followed is not known",
                    directory),
        fmt::format("where Patroni's log says \"renaming data directory to\" behind \"removing initialize key "
                    "after failed attempt to bootstrap the cluster\", Patroni gave it up: {}; if it led, and "
                    "its rows are wanted: {}; then start Patroni again",
                    renamed_to(".given-up"), renamed_to(".led")));
}

std::optional<fs::path> set_aside_by_patroni(const Request& request, const Layout& layout) {
    const auto journal = Journal::read(layout.journal());
    return journal && journal->request == identity_of(request) ? find_set_aside(request.patroni, layout, journal)
                                                               : std::nullopt;
}

RejectedRuns rejected_runs(const Request& request, const Layout& layout) {
    RejectedRuns runs;
    const auto journal = Journal::read(layout.journal());
    if (!journal || journal->is_copy) {
        return runs;
    }
    runs.system_identifier = journal->system_identifier;
    runs.known = journal->rejected_timelines;
    const auto directory = journal->goal ? find_set_aside(request.patroni, layout, journal) : std::nullopt;
    if (!directory) {
        return runs;
    }
    const auto pg_wal = *directory / "pg_wal";
    runs.checksum = [pg_wal](const std::string& segment) { return sha1_of(pg_wal / segment); };
    auto begun = begun_histories(pg_wal, journal->goal->timeline);
    runs.histories = std::move(begun.histories);
    runs.unproven = std::move(begun.unproven);
    return runs;
}

void note_rejected_runs(const std::optional<patroni::Configuration>& patroni, const Layout& layout) {
    const auto journal = Journal::read(layout.journal());
    const auto& in_place = layout.data_directory;
    const bool is_in_place = journal && journal->refuses(in_place);
    // What led since, whoever started it, holds somebody's rows: its timelines are no rejected run's any more.
    const bool has_led =
        is_in_place && fate_of(*journal, in_place, in_place.filename().string(), patroni) != Fate::given_up;
    const auto directory = is_in_place ? std::optional(in_place) : find_set_aside(patroni, layout, journal);
    if (!directory || (has_led && journal->rejected_timelines.empty())) {
        return;
    }
    change_journal(layout, [&](Journal& changed) {
        if (has_led) {
            forget_rejected_directory(changed, *directory);
        } else {
            note_rejected_directory(changed, *directory);
        }
    });
}

void begin_to_count_anew(const Layout& layout) {
    if (auto journal = Journal::read(layout.journal())) {
        journal->hand_overs = 0;
        journal->save(layout.journal());
    }
}

bool is_still_the_newest(const Request& request, const Plan& plan, const Layout& layout) {
    constexpr std::int64_t clocks_differ = 60;
    const auto journal = Journal::read(layout.journal());
    if (!journal || !journal->goal || !journal->handed_over || plan.backup.label != journal->backup_set) {
        return false;
    }
    const auto& goal = *journal->goal;
    // Times of files alone prove nothing: a copy of the repository may keep them.
    const bool is_same_line = journal->followed.empty() || journal->followed == plan.history.text();
    const bool is_number_taken = journal->reached && plan.archive_end.histories.contains(journal->reached->timeline) &&
                                 !plan.rejected_timelines.contains(journal->reached->timeline);
    if (!is_same_line || is_number_taken) {
        return false;
    }
    const auto& last_segments = plan.archive_end.last_segments;
    const auto was_there = [&](const auto& last) {
        const auto at = last->second.archived_at;
        return at && *at < journal->handed_over->at - clocks_differ;
    };
    for (auto last = last_segments.upper_bound(goal.timeline); last != last_segments.end(); ++last) {
        if (!was_there(last) && !plan.rejected_timelines.contains(last->first)) {
            return false;
        }
    }
    for (const auto timeline : plan.archive_end.histories) {
        const auto last = last_segments.find(timeline);
        if (timeline > goal.timeline && !(last != last_segments.end() && was_there(last)) &&
            !plan.rejected_timelines.contains(timeline)) {
            return false;
        }
    }
    if (goal.target.ends_with_plan != request.target.ends_with_plan) {
        return false;  // with newer WAL `nearest` means something else
    }
    const auto followed = last_segments.find(goal.timeline);
    return !request.target.is_latest() || followed == last_segments.end() || followed->second.name <= goal.last_segment;
}

std::vector<fs::path> leftovers_of(const Layout& layout) {
    std::vector<fs::path> found;
    if (!system::is_empty_or_absent(layout.staging)) {
        found.push_back(layout.staging);
    }
    const auto parent = layout.data_directory.parent_path();
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(parent, error)) {
        const auto name = layout.data_directory.filename().string();
        const auto other = entry.path().filename().string();
        if (is_patronis_name(other, name) || is_named_given_up(other, name)) {
            found.push_back(entry.path());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace patroni_pgbackrest
