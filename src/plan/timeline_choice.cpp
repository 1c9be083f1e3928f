#include "plan/timeline_choice.hpp"

#include "pgbackrest/command_line.hpp"
#include "plan/branches.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace patroni_pgbackrest {

namespace {

using postgres::Lsn;
using postgres::Timeline;
using postgres::TimelineHistory;

class TimelineChooser {
  public:
    TimelineChooser(const pgbackrest::Backup& backup, const std::vector<pgbackrest::Backup>& backups,
                    const pgbackrest::ArchiveContent& archive, ArchivedWal& wal, postgres::SegmentSize size,
                    std::string push)
        : backup_(backup), backup_timeline_(starting_timeline(backup)), backups_(backups), archive_(archive),
          candidates_(archive.histories), branches_(archive, wal, size), push_(std::move(push)) {
        std::erase_if(candidates_, [&](const auto& entry) { return archive.rejected.contains(entry.first); });
    }

    TimelineChoice requested(Timeline timeline) const {
        if (timeline != backup_timeline_ && !archive_.histories.contains(timeline)) {
            throw Failure(ExitCode::target_not_reachable,
                          fmt::format("timeline {} is not in the archive: there is no {}", timeline.text(),
                                      timeline.history_file()),
                          "choose one that is there, or leave target-timeline out");
        }
        const auto history = branches_.history_of(timeline);
        if (!descends(history)) {
            throw Failure(ExitCode::target_not_reachable,
                          fmt::format("backup set {} of timeline {} is not part of timeline {}'s past", backup_.label,
                                      backup_timeline_.text(), timeline.text()),
                          how_to_follow(history));
        }
        return choice_of(history, "as asked for");
    }

    TimelineChoice backup_timeline(const std::string& reason) const {
        return choice_of(branches_.history_of(backup_timeline_), reason);
    }

    /// `guessing`: nobody has named a backup set or a timeline.
    TimelineChoice newest_descendant(bool guessing) {
        std::vector<Timeline> passed_over;
        auto chosen = newest_descendant(passed_over);
        for (const auto timeline : passed_over) {
            require_not_abandoned(guessing, timeline, chosen.history.timeline);
            log::warning("timeline {} is newer, but backup set {} is not part of its past: not followed",
                         timeline.text(), backup_.label);
        }
        return chosen;
    }

    /// The same, when no other branch was written to after it. A copy that somebody opened elsewhere (a rehearsal) may
    /// have a greater number than the cluster that lives on.
    TimelineChoice newest_and_last(bool guessing) {
        const auto chosen = newest_descendant(guessing);
        // Of a timeline without any WAL its fork says more, when that is judged.
        if (chosen.others.empty() || !archive_.last_segments.contains(chosen.history.timeline)) {
            return chosen;
        }
        const auto followed = chosen.history.timeline;
        const auto last = branches_.last_commit_behind(followed, branches_.where_left(chosen.history, followed));
        // It was not written to before it was begun, however long it is that it has no commit.
        const auto moment = last.gave_up ? branches_.begun(followed)
                            : last.thing ? std::optional(last.thing->what.time)
                                         : std::nullopt;
        return alone(chosen, "may be", {Latest{}},
                     [&](Timeline other) { return branches_.was_written_after(other, chosen.history, moment); });
    }

    /// `immediate` and `current`: the backup's own timeline, when no newer one that it is not part of was followed.
    TimelineChoice backups_own(bool guessing, const std::string& reason) {
        std::vector<Timeline> passed_over;
        newest_descendant(passed_over);
        for (const auto timeline : passed_over) {
            require_not_abandoned(guessing, timeline, backup_timeline_);
        }
        return backup_timeline(reason);
    }

    /// The same, when no other branch may hold the target: an LSN and a transaction ID are given away anew behind a
    /// fork.
    TimelineChoice newest_with(const RecoveryTarget& target, bool guessing) {
        const auto chosen = newest_descendant(guessing);
        return alone(chosen, "may hold", target, [&](Timeline other) {
            return branches_.may_hold(target, other, branches_.where_left(chosen.history, other));
        });
    }

    TimelineChoice alive_at(const RecoveryTarget& target, bool guessing) {
        const auto time = std::get<Time>(target.point).at;
        std::vector<Timeline> descendants{backup_timeline_}, others;
        for (const auto& [timeline, history] : candidates_) {
            if (timeline > backup_timeline_ && had_begun(timeline, time)) {
                (descends(history) ? descendants : others).push_back(timeline);
            }
        }
        const auto chosen = with_a_later_commit(target, descendants.back());
        for (const auto other : others) {
            if (other > chosen) {
                require_not_abandoned(guessing, other, chosen);
            }
        }
        require_none_meant(target, chosen, guessing);
        std::vector<Timeline> branches;
        std::copy_if(descendants.begin(), descendants.end(), std::back_inserter(branches),
                     [&](Timeline timeline) { return timeline == chosen || holds(timeline, target, descendants); });
        if (branches.size() > 1) {
            throw several_branches("hold", target, branches);
        }
        return choice_of(branches_.history_of(chosen), "the one that was alive at the target time");
    }

  private:
    /// What is chosen, when none of its others may be meant as well.
    template <typename Predicate>
    TimelineChoice alone(const TimelineChoice& chosen, const char* hold, const RecoveryTarget& target,
                         Predicate may_be_meant) {
        std::vector<Timeline> branches;
        std::copy_if(chosen.others.begin(), chosen.others.end(), std::back_inserter(branches), may_be_meant);
        if (branches.empty()) {
            return chosen;
        }
        branches.push_back(chosen.history.timeline);
        throw several_branches(hold, target, branches);
    }

    /// A timeline that was alive at a time may have archived nothing since: what it wrote until then is in the first
    /// segment of the one that followed, and nowhere else.
    Timeline with_a_later_commit(const RecoveryTarget& target, Timeline alive) {
        const auto last = branches_.last_commit_behind(alive, {});
        if (last.gave_up || (last.thing && ends_replay(target, last.thing->what.time))) {
            return alive;
        }
        for (const auto& [timeline, history] : candidates_) {
            const auto* fork = history.fork_from(alive);
            // Of all that the one alive wrote.
            const bool goes_on = fork != nullptr && !branches_.last_commit_behind(alive, fork->at).is_possible();
            if (timeline > alive && descends(history) && goes_on) {
                const auto next = branches_.last_commit_behind(timeline, {});
                if (next.gave_up || (next.thing && ends_replay(target, next.thing->what.time))) {
                    return timeline;
                }
            }
        }
        return alive;
    }

    /// Of a newer timeline that the backup is not part of. Where somebody has named a backup set, that is meant.
    void require_not_abandoned(bool guessing, Timeline newer, Timeline followed) {
        if (guessing && branches_.has_commits_of_its_own(newer)) {
            throw abandoned_branch(newer, followed);
        }
        if (guessing && branches_.has_left_only_its_history(newer)) {
            throw unknown_branch(newer, followed);
        }
    }

    /// Nobody knows when a timeline was begun that has left only its history. A time up to which the followed one was
    /// written lies there all the same. A later one may lie on the other: not when both have the same rows.
    void require_none_meant(const RecoveryTarget& target, Timeline followed, bool guessing) {
        for (const auto& [newer, history] : candidates_) {
            if (newer <= followed || !branches_.has_left_only_its_history(newer)) {
                continue;
            }
            const bool may_be_meant =
                descends(history) ? branches_.may_have_undone(newer, backup_timeline_, followed) : guessing;
            if (may_be_meant && !branches_.may_stop_at(target, followed)) {
                throw unknown_branch(newer, followed);
            }
        }
    }

    bool had_begun(Timeline timeline, postgres::WalTime time) {
        const auto begun = branches_.begun(timeline);
        return !begun || *begun <= time;
    }

    /// Whether a timeline has a commit at which the replay to a time would stop, behind the places where others left
    /// it.
    bool holds(Timeline timeline, const RecoveryTarget& target, const std::vector<Timeline>& others) {
        auto behind = branches_.where_left(branches_.history_of(timeline), timeline);
        for (const auto other : others) {
            const auto history = branches_.history_of(other);
            if (const auto* fork = history.fork_from(timeline)) {
                behind = std::max(behind, fork->at);
            }
        }
        const auto last = branches_.last_commit_behind(timeline, behind);
        return last.gave_up || (last.thing && ends_replay(target, last.thing->what.time));
    }

    Failure abandoned_branch(Timeline timeline, Timeline followed) {
        const auto begun = branches_.begun(timeline);
        return {ExitCode::target_not_reachable,
                fmt::format("backup set {} is not part of the past of timeline {}, which was begun{} and has commits "
                            "of its own: one of timelines {} and {} was abandoned",
                            backup_.label, timeline.text(), begun ? " at " + Time{*begun}.text() : "", followed.text(),
                            timeline.text()),
                fmt::format("to follow timeline {}, {}; for what this backup set leads to, say target-timeline: {}",
                            timeline.text(), how_to_follow(branches_.history_of(timeline)), followed.text())};
    }

    Failure unknown_branch(Timeline timeline, Timeline followed) const {
        const auto history = branches_.history_of(timeline);
        const auto& fork = history.forks.back();
        const auto set = set_before(history);
        // The parent's first record behind the fork ends that replay.
        const auto its_beginning = set ? fmt::format("; for what it began with, say set: {}, type: lsn, target: {}, "
                                                     "target-exclusive: true and target-timeline: {}",
                                                     *set, fork.at.text(), fork.parent.text())
                                       : std::string();
        return {ExitCode::target_not_reachable,
                fmt::format("timeline {0} left timeline {1} at {2}, and of what it wrote nothing is in the archive but "
                            "its history: one of timelines {3} and {0} was abandoned",
                            timeline.text(), fork.parent.text(), fork.at.text(), followed.text()),
                fmt::format("look for WAL segments of timeline {0} ({0:08X}…) in pg_wal of every node that was on it, "
                            "and bring each into the archive with {1} /PATH/SEGMENT{2}; for what backup set {3} leads "
                            "to, say target-timeline: {4}",
                            timeline.number, push_, its_beginning, backup_.label, followed.text())};
    }

    Failure several_branches(const char* hold, const RecoveryTarget& target, std::vector<Timeline> branches) {
        std::sort(branches.begin(), branches.end());
        std::vector<std::string> names, words;
        for (const auto branch : branches) {
            const auto last = branches_.last_commit_behind(branch, {}).thing;
            names.push_back(branch.text());
            words.push_back(
                last ? fmt::format("timeline {} (last commit at {})", branch.text(), Time{last->what.time}.text())
                     : fmt::format("timeline {}", branch.text()));
        }
        return {ExitCode::target_not_reachable,
                fmt::format("several branches {} the {}: {}", hold, target.text(), system::join(words, ", ")),
                fmt::format("say which of them is meant with target-timeline: {}", system::join(names, " or "))};
    }

    bool descends(const TimelineHistory& history) const { return descends_from(history, backup_); }

    /// This set, or else the newest before it: it is behind what is asked for or the newest of all.
    std::optional<std::string> set_before(const TimelineHistory& history) const {
        if (descends(history)) {
            return backup_.label;
        }
        const auto backup = std::find_if(backups_.rbegin(), backups_.rend(), [&](const auto& one) {
            return one.stopped < backup_.stopped && !one.archive_start.empty() && descends_from(history, one);
        });
        return backup == backups_.rend() ? std::nullopt : std::optional(backup->label);
    }

    std::string how_to_follow(const TimelineHistory& history) const {
        const auto set = set_before(history);
        return set ? "say set: " + *set : "an older backup set is needed, and there is none that is part of its past";
    }

    TimelineChoice choice_of(const TimelineHistory& history, std::string reason) const {
        const auto last = archive_.histories.empty() ? backup_timeline_
                                                     : std::max(backup_timeline_, archive_.histories.rbegin()->first);
        TimelineChoice choice{history, history.timeline >= last, std::move(reason)};
        if (history.timeline != backup_timeline_) {
            choice.others.push_back(backup_timeline_);
        }
        for (const auto& [timeline, other] : candidates_) {
            if (timeline > backup_timeline_ && timeline != history.timeline && descends(other)) {
                choice.others.push_back(timeline);
            }
        }
        std::erase_if(choice.others, [&](Timeline other) { return !goes_on_behind(history, other); });
        return choice;
    }

    /// By the names of its segments alone.
    bool goes_on_behind(const TimelineHistory& followed, Timeline other) const {
        const auto last = archive_.last_segments.find(other);
        return last != archive_.last_segments.end() &&
               last->second.name >= branches_.segment_at(other, branches_.where_left(followed, other));
    }

    TimelineChoice newest_descendant(std::vector<Timeline>& passed_over) const {
        for (auto entry = candidates_.rbegin(); entry != candidates_.rend(); ++entry) {
            if (entry->first <= backup_timeline_) {
                break;
            }
            if (descends(entry->second)) {
                return choice_of(entry->second,
                                 fmt::format("the newest that descends from backup set {}", backup_.label));
            }
            passed_over.push_back(entry->first);
        }
        return backup_timeline("the backup's own, and no newer one descends from it");
    }

    const pgbackrest::Backup& backup_;
    Timeline backup_timeline_;
    const std::vector<pgbackrest::Backup>& backups_;
    const pgbackrest::ArchiveContent& archive_;
    std::map<Timeline, TimelineHistory> candidates_;  ///< that may be followed without being named
    Branches branches_;
    std::string push_;  ///< pgbackrest::push_by_hand()
};

}  // namespace

TimelineChoice choose_timeline(const Request& request, const pgbackrest::Backup& backup,
                               const std::vector<pgbackrest::Backup>& backups,
                               const pgbackrest::ArchiveContent& archive, ArchivedWal& wal,
                               postgres::SegmentSize size) {
    TimelineChooser chooser(backup, backups, archive, wal, size, pgbackrest::push_by_hand(request.pgbackrest));
    const bool guessing = !request.backup_set;
    if (request.timeline) {
        if (const auto* number = std::get_if<Timeline>(&request.timeline->choice)) {
            return chooser.requested(*number);
        }
        return std::holds_alternative<Immediate>(request.timeline->choice)
                   ? chooser.backups_own(guessing, "as asked for")
                   : chooser.newest_descendant(guessing);
    }
    if (request.target.is_immediate()) {
        return chooser.backups_own(guessing, "the backup's own");
    }
    if (std::holds_alternative<Time>(request.target.point)) {
        return chooser.alive_at(request.target, guessing);
    }
    if (request.target.is_latest()) {
        return chooser.newest_and_last(guessing);
    }
    return chooser.newest_with(request.target, guessing);
}

Timeline starting_timeline(const pgbackrest::Backup& backup) {
    const auto number = system::number(std::string_view(backup.archive_start).substr(0, 8), 16);
    if (backup.archive_start.size() != 24 || !number) {
        throw Failure(ExitCode::target_not_reachable, fmt::format("backup set {} has no start of WAL", backup.label),
                      "it was made offline; choose another with set");
    }
    return Timeline{static_cast<std::uint32_t>(*number)};
}

bool descends_from(const TimelineHistory& history, const pgbackrest::Backup& backup) {
    const auto end = backup.lsn_stop ? backup.lsn_stop : backup.lsn_start;
    const auto timeline = starting_timeline(backup);
    if (history.timeline == timeline) {
        return true;
    }
    const auto* fork = history.fork_from(timeline);
    return fork != nullptr && (!end || *end <= fork->at);
}

bool may_start_on(const pgbackrest::Backup& backup, const std::optional<TimelineWish>& wish) {
    return !wish || !std::holds_alternative<Timeline>(wish->choice) ||
           starting_timeline(backup) <= std::get<Timeline>(wish->choice);
}

}  // namespace patroni_pgbackrest
