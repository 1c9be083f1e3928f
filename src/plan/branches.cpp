#include "plan/branches.hpp"

#include <algorithm>
#include <variant>

namespace patroni_pgbackrest {

using postgres::Lsn;
using postgres::Segment;
using postgres::SegmentFacts;
using postgres::Timeline;
using postgres::TimelineHistory;
using postgres::WalTime;

std::size_t most_segments_to_search(postgres::SegmentSize size) {
    constexpr std::uint64_t bytes = 256ULL << 20;
    return std::max<std::size_t>(bytes / size.bytes, 2);
}

TimelineHistory Branches::history_of(Timeline timeline) const {
    const auto found = archive_.histories.find(timeline);
    return found == archive_.histories.end() ? TimelineHistory{timeline, {}} : found->second;
}

std::optional<WalTime> Branches::begun(Timeline timeline) {
    const auto history = history_of(timeline);
    if (history.forks.empty()) {
        return std::nullopt;
    }
    const auto& fork = history.forks.back();
    if (const auto* first = facts(timeline, fork.at.value / size_.bytes)) {
        for (const auto& change : first->timeline_switches) {
            if (change.what.to == timeline) {
                return change.what.time;
            }
        }
    }
    // A restore to a point in the past that left nothing but its history: the parent was alive behind that point.
    const bool follows_the_latest = fork.reason.starts_with("no recovery target specified");
    if (!follows_the_latest && !archive_.last_segments.contains(timeline)) {
        return WalTime::max();
    }
    return last_commit_before(fork.parent, fork.at);
}

Found<Commit> Branches::last_commit_behind(Timeline timeline, Lsn position) {
    const auto last = last_segment(timeline);
    if (!last) {
        return {};
    }
    return search_back<Commit>(timeline, last->number, position.value / size_.bytes,
                               [&](const std::string& name) -> std::optional<Commit> {
                                   const auto& commit = wal_.facts(name).last_commit;
                                   return commit && commit->start >= position ? commit : std::nullopt;
                               });
}

std::optional<WalTime> Branches::latest_end_at(Lsn position) {
    for (auto entry = archive_.last_segments.rbegin(); entry != archive_.last_segments.rend(); ++entry) {
        if (const auto* found = facts(entry->first, position.value / size_.bytes)) {
            return found->latest_transaction_end;
        }
    }
    return std::nullopt;
}

bool Branches::has_commits_of_its_own(Timeline timeline) {
    return last_commit_behind(timeline, beginning_of(timeline)).is_possible();
}

bool Branches::has_left_only_its_history(Timeline timeline) const {
    return !history_of(timeline).forks.empty() && !archive_.last_segments.contains(timeline);
}

bool Branches::may_stop_at(const RecoveryTarget& target, Timeline timeline) {
    const auto last = last_segment(timeline);
    if (!last) {
        return false;
    }
    const auto end =
        search_back<WalTime>(timeline, last->number, 0, [&](const std::string& name) -> std::optional<WalTime> {
            const auto& content = wal_.facts(name);
            if (content.latest_transaction_end && ends_replay(target, *content.latest_transaction_end)) {
                return content.latest_transaction_end;
            }
            return content.last_commit ? std::optional(content.last_commit->what.time) : std::nullopt;
        });
    return end.gave_up || (end.thing && ends_replay(target, *end.thing));
}

bool Branches::may_have_undone(Timeline other, Timeline first, Timeline followed) {
    const auto left = history_of(other);
    const auto has_more = [&](Timeline timeline) {
        return timeline >= first && last_commit_behind(timeline, where_left(left, timeline)).is_possible();
    };
    const auto way = history_of(followed);
    return has_more(followed) ||
           std::any_of(way.forks.begin(), way.forks.end(), [&](const auto& fork) { return has_more(fork.parent); });
}

Lsn Branches::where_left(const TimelineHistory& followed, Timeline timeline) const {
    const auto* fork = followed.fork_from(timeline);
    return fork != nullptr ? fork->at : beginning_of(timeline);
}

bool Branches::was_written_after(Timeline timeline, const TimelineHistory& followed,
                                 const std::optional<WalTime>& moment) {
    const auto commit = last_commit_behind(timeline, where_left(followed, timeline));
    return commit.gave_up || (commit.thing && (!moment || commit.thing->what.time > *moment));
}

Lsn Branches::beginning_of(Timeline timeline) const {
    const auto history = history_of(timeline);
    return history.forks.empty() ? Lsn{} : history.forks.back().at;
}

bool Branches::may_hold(const RecoveryTarget& target, Timeline timeline, Lsn position) {
    if (const auto* lsn = std::get_if<LsnTarget>(&target.point)) {
        return lsn->lsn >= position && reaches(timeline, lsn->lsn);
    }
    const auto last = last_segment(timeline);
    if (!last) {
        return false;
    }
    const auto down_to = position.value / size_.bytes;
    if (const auto* xid = std::get_if<Xid>(&target.point)) {
        return search_back<Lsn>(timeline, last->number, down_to,
                                [&](const std::string& name) -> std::optional<Lsn> {
                                    const auto end =
                                        wal_.end_of_transaction(name, static_cast<std::uint32_t>(xid->number));
                                    return end && *end >= position ? end : std::nullopt;
                                })
            .is_possible();
    }
    if (const auto* point = std::get_if<Name>(&target.point)) {
        return search_back<Lsn>(timeline, last->number, down_to,
                                [&](const std::string& name) -> std::optional<Lsn> {
                                    for (const auto& found : wal_.facts(name).restore_points) {
                                        if (found.what.name == point->name && found.start >= position) {
                                            return found.start;
                                        }
                                    }
                                    return std::nullopt;
                                })
            .is_possible();
    }
    return false;
}

std::optional<Segment> Branches::last_segment(Timeline timeline) const {
    const auto last = archive_.last_segments.find(timeline);
    return last == archive_.last_segments.end() ? std::nullopt : Segment::parse(last->second.name, size_);
}

std::optional<WalTime> Branches::last_commit_before(Timeline timeline, Lsn position) {
    const auto found = search_back<WalTime>(timeline, position.value / size_.bytes, 0,
                                            [&](const std::string& name) -> std::optional<WalTime> {
                                                const auto& content = wal_.facts(name);
                                                for (const auto& commit : {content.last_commit, content.first_commit}) {
                                                    if (commit && commit->start < position) {
                                                        return commit->what.time;
                                                    }
                                                }
                                                return std::nullopt;
                                            });
    return found.thing;
}

template <typename Thing>
Found<Thing> Branches::search_back(Timeline timeline, std::uint64_t from, std::uint64_t down_to,
                                   const std::function<std::optional<Thing>(const std::string&)>& look) {
    auto left = most_segments_to_search(size_);
    for (auto name = archive_.segments.last_up_to(Segment{timeline, from}.name(size_)); name;
         name = archive_.segments.last_before(*name)) {
        const auto segment = Segment::parse(*name, size_);
        if (!segment || segment->timeline != timeline || segment->number < down_to) {
            break;
        }
        if (left-- == 0) {
            return {std::nullopt, true};
        }
        std::optional<Thing> thing;
        if (!could_read([&] { thing = look(*name); })) {
            return {std::nullopt, true};
        }
        if (thing) {
            return {std::move(thing), false};
        }
    }
    return {};
}

/// Null when the archive has no such segment, or it cannot be read.
const SegmentFacts* Branches::facts(Timeline timeline, std::uint64_t number) {
    const auto name = Segment{timeline, number}.name(size_);
    if (!archive_.segments.contains(name)) {
        return nullptr;
    }
    const SegmentFacts* found = nullptr;
    could_read([&] { found = &wal_.facts(name); });
    return found;
}

bool Branches::reaches(Timeline timeline, Lsn lsn) {
    const auto last = last_segment(timeline);
    if (!last || last->end(size_) <= lsn) {
        return false;
    }
    if (last->start(size_) > lsn) {
        return true;
    }
    const auto* content = facts(timeline, last->number);
    return content == nullptr || content->last_record >= lsn;
}

}  // namespace patroni_pgbackrest
