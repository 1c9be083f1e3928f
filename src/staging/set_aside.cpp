#include "staging/set_aside.hpp"

#include "patroni/data_directory.hpp"
#include "postgres/control_data.hpp"
#include "staging/journal.hpp"
#include "staging/rejected_directory.hpp"
#include "system/file.hpp"

#include <algorithm>
#include <cstdint>
#include <system_error>
#include <utility>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

bool is_patronis_name(const std::string& entry, const std::string& name) {
    constexpr std::size_t time_length = 19;  // 2026-11-22-10-00-00
    if (entry == name + ".failed") {
        return true;
    }
    const auto time = entry.starts_with(name + "_") ? entry.substr(name.size() + 1) : std::string();
    return time.size() == time_length && time.find_first_not_of("0123456789-") == std::string::npos;
}

namespace {

/// Whether nobody can have used it for long. In patroni mode the replay comes after the hand-over, and may take hours.
bool is_young(const Journal& journal, const fs::path& directory, const postgres::ControlFile& control) {
    constexpr std::int64_t short_life = 3600;
    auto since = std::optional(journal.handed_over->at);
    if (!journal.reached && journal.goal) {
        const auto begun = BegunTimeline::in(directory, journal.goal->timeline);
        since = begun ? std::optional(begun->written_at) : std::nullopt;
    }
    // post_bootstrap may work for hours before verify rejects.
    const auto rejected_at = journal.rejected ? journal.rejected->at : journal.handed_over->at;
    return !since || control.written_at < std::max({*since, journal.handed_over->at, rejected_at}) + short_life;
}

}  // namespace

bool was_given_up(const Journal& journal, const fs::path& directory,
                  const std::optional<patroni::Configuration>& patroni) {
    const auto control = postgres::read_control_file(directory);
    return control && (journal.has_never_started(*control) ||
                       (is_young(journal, directory, *control) && patroni::is_in_bootstrap(directory, patroni)));
}

namespace {

std::optional<fs::path> find_set_aside(const std::optional<patroni::Configuration>& patroni, const Layout& layout,
                                       const std::optional<Journal>& journal) {
    if (!journal || journal->phase != Phase::handed_over || !journal->handed_over ||
        !system::is_empty_or_absent(layout.staging)) {
        return std::nullopt;
    }
    const auto parent = layout.data_directory.parent_path();
    const auto name = layout.data_directory.filename().string();
    for (const auto& entry : system::entries(parent)) {
        const auto path = parent / entry;
        if (is_patronis_name(entry, name) && journal->handed_over_is(path) && was_given_up(*journal, path, patroni)) {
            return path;
        }
    }
    return std::nullopt;
}

}  // namespace

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
    const bool has_led = is_in_place && !was_given_up(*journal, in_place, patroni);
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
        if (is_patronis_name(entry.path().filename().string(), layout.data_directory.filename().string())) {
            found.push_back(entry.path());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace patroni_pgbackrest
