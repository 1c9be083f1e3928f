#include "postgres/timeline_history.hpp"

#include "system/failure.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <iterator>

namespace patroni_pgbackrest::postgres {

namespace {

/// Cuts the next word from `line` and returns it.
std::string_view take_word(std::string_view& line) {
    constexpr std::string_view blanks = " \t\r\f\v";
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    const auto word = line.substr(0, line.find_first_of(blanks));
    line.remove_prefix(word.size());
    return word;
}

[[noreturn]] void not_a_history_file(Timeline timeline, std::size_t line, std::string_view why) {
    throw Failure(ExitCode::target_not_reachable,
                  fmt::format("{} is not a timeline history file: line {}: {}", timeline.history_file(), line, why),
                  "compare the file in the archive with the one in pg_wal of a living server, "
                  "or name a timeline that does not descend from this one (target-timeline)");
}

}  // namespace

bool is_same_place(const TimelineFork& one, const TimelineFork& other) {
    return one.parent == other.parent && one.at == other.at;
}

TimelineHistory TimelineHistory::parse(Timeline timeline, std::string_view text) {
    TimelineHistory history{timeline, {}};
    std::size_t number_of_line = 0;
    for (const auto& line : system::lines(text)) {
        ++number_of_line;
        std::string_view rest = line;
        const auto parent_word = take_word(rest);
        if (parent_word.empty() || parent_word.front() == '#') {
            continue;
        }
        const auto parent = system::number(parent_word);
        if (!parent || *parent == 0 || *parent > UINT32_MAX) {
            not_a_history_file(timeline, number_of_line, fmt::format("\"{}\" is not a timeline", parent_word));
        }
        const auto lsn_word = take_word(rest);
        const auto lsn = Lsn::parse(lsn_word);
        if (!lsn) {
            not_a_history_file(timeline, number_of_line, fmt::format("\"{}\" is not a WAL location", lsn_word));
        }
        // readTimeLineHistory (timeline.c) insists on both orders, 13 to 18.
        const Timeline left{static_cast<std::uint32_t>(*parent)};
        if (!history.forks.empty() && left <= history.forks.back().parent) {
            not_a_history_file(timeline, number_of_line, "timelines must be in increasing order");
        }
        if (left >= timeline) {
            not_a_history_file(timeline, number_of_line, "timelines must be less than the one of the file's name");
        }
        history.forks.push_back({left, *lsn, std::string(system::trim(rest))});
    }
    return history;
}

std::string TimelineHistory::text() const {
    auto text = timeline.text();
    for (const auto& fork : forks) {
        text += fmt::format(", from {} at {}", fork.parent.text(), fork.at.text());
    }
    return text;
}

TimelineHistory TimelineHistory::as_it_happened() const {
    TimelineHistory result{timeline, {}};
    auto end = Lsn{UINT64_MAX};
    for (auto fork = forks.rbegin(); fork != forks.rend(); ++fork) {
        end = std::min(end, fork->at);
        const auto older = std::next(fork);
        const bool is_empty = older != forks.rend() && std::min(older->at, end) == end;
        if (!is_empty) {
            result.forks.insert(result.forks.begin(), {fork->parent, end, fork->reason});
        }
    }
    return result;
}

const TimelineFork* TimelineHistory::fork_from(Timeline ancestor) const {
    const auto found =
        std::find_if(forks.begin(), forks.end(), [&](const TimelineFork& fork) { return fork.parent == ancestor; });
    return found == forks.end() ? nullptr : &*found;
}

TimelineHistory TimelineHistory::before_last_fork() const {
    const auto& last = forks.back();
    return TimelineHistory{last.parent, {forks.begin(), forks.end() - 1}}.as_it_happened();
}

const TimelineFork* TimelineHistory::fork_unlike(const TimelineHistory& other) const {
    const auto difference =
        std::mismatch(forks.begin(), forks.end(), other.forks.begin(), other.forks.end(), is_same_place);
    if (difference.first != forks.end()) {
        return &*difference.first;
    }
    return forks.empty() || difference.second == other.forks.end() ? nullptr : &forks.back();
}

bool TimelineHistory::contains(Timeline candidate, Lsn lsn) const {
    if (candidate == timeline) {
        return forks.empty() || lsn >= forks.back().at;
    }
    const auto* const fork = fork_from(candidate);
    if (fork == nullptr || lsn > fork->at) {
        return false;
    }
    return fork == forks.data() || lsn >= std::prev(fork)->at;
}

}  // namespace patroni_pgbackrest::postgres
