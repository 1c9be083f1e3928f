#include "plan/timeline_choice.hpp"

#include "system/log.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace patroni_pgbackrest {

namespace {

using postgres::Timeline;
using postgres::TimelineHistory;

class TimelineChooser {
  public:
    TimelineChooser(const pgbackrest::Backup& backup, Timeline backup_timeline,
                    const pgbackrest::ArchiveContent& archive, postgres::SegmentSize size)
        : backup_(backup), backup_timeline_(backup_timeline), archive_(archive), size_(size) {}

    TimelineChoice requested(Timeline timeline) const {
        if (timeline != backup_timeline_ && !archive_.histories.contains(timeline)) {
            throw Failure(ExitCode::target_not_reachable,
                          fmt::format("timeline {} is not in the archive: there is no {}", timeline.text(),
                                      timeline.history_file()),
                          "choose one that is there, or leave target-timeline out");
        }
        const auto history = history_of(timeline);
        if (!descends(history)) {
            throw Failure(ExitCode::target_not_reachable,
                          fmt::format("backup set {} of timeline {} is not part of timeline {}'s past", backup_.label,
                                      backup_timeline_.text(), timeline.text()),
                          "choose an older backup set with set");
        }
        return choice_of(history, "as asked for");
    }

    TimelineChoice backup_timeline(const std::string& reason) const {
        return choice_of(history_of(backup_timeline_), reason);
    }

    /// `guessing`: nobody has named a backup set or a timeline.
    TimelineChoice newest_descendant(bool guessing) const {
        std::vector<Timeline> passed_over;
        const auto chosen = newest_descendant(passed_over);
        for (const auto timeline : passed_over) {
            if (guessing && cluster_continued_on(timeline, chosen.history.timeline)) {
                throw abandoned_branch(timeline, chosen.history.timeline);
            }
            log::warning("timeline {} is newer, but backup set {} is not part of its past: not followed",
                         timeline.text(), backup_.label);
        }
        return chosen;
    }

    TimelineChoice newest_descendant(std::vector<Timeline>& passed_over) const {
        for (auto entry = archive_.histories.rbegin(); entry != archive_.histories.rend(); ++entry) {
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

    TimelineChoice alive_at(const Time& time, bool guessing) const {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time.at.time_since_epoch()).count();
        std::vector<Timeline> descendants{backup_timeline_}, others;
        for (const auto& [timeline, history] : archive_.histories) {
            const auto archived = archive_.history_times.find(timeline);
            const bool had_begun = archived != archive_.history_times.end() && archived->second <= seconds;
            if (timeline > backup_timeline_ && had_begun) {
                (descends(history) ? descendants : others).push_back(timeline);
            }
        }
        for (const auto other : others) {
            if (guessing && cluster_continued_on(other, descendants.back())) {
                throw abandoned_branch(other, descendants.back());
            }
        }
        std::vector<Timeline> branches;
        std::copy_if(descendants.begin(), descendants.end(), std::back_inserter(branches), [&](Timeline timeline) {
            return timeline == descendants.back() || holds(timeline, seconds, descendants);
        });
        if (branches.size() > 1) {
            throw two_branches(time, branches);
        }
        return choice_of(history_of(descendants.back()), "the one that was alive at the target time");
    }

  private:
    /// Whether a timeline that this backup is not part of was begun after it, and after the last WAL of the one that
    /// would be followed: that one was abandoned by a restore from an older backup, and this one is the cluster.
    bool cluster_continued_on(Timeline timeline, Timeline followed) const {
        const auto begun = archive_.history_times.find(timeline);
        const auto last = archive_.last_segments.find(followed);
        return begun != archive_.history_times.end() && begun->second > backup_.stopped &&
               (last == archive_.last_segments.end() || last->second.archived_at < begun->second);
    }

    Failure abandoned_branch(Timeline timeline, Timeline followed) const {
        return {
            ExitCode::target_not_reachable,
            fmt::format("backup set {} is not part of the past of timeline {}, which was begun at {}, after the last "
                        "WAL of timeline {}",
                        backup_.label, timeline.text(), instant(archive_.history_times.at(timeline)), followed.text()),
            fmt::format("name an older backup set with set to follow timeline {}, or say target-timeline: {} for "
                        "what this one leads to",
                        timeline.text(), followed.text())};
    }

    /// Whether a timeline was still archived at a moment, behind the points where others left it: the archive's times
    /// are those of the uploads.
    bool holds(Timeline timeline, std::int64_t seconds, const std::vector<Timeline>& others) const {
        const auto last = archive_.last_segments.find(timeline);
        if (last == archive_.last_segments.end() || last->second.archived_at < seconds) {
            return false;
        }
        const auto segment = postgres::Segment::parse(last->second.name, size_);
        return segment && std::none_of(others.begin(), others.end(), [&](Timeline other) {
                   const auto history = history_of(other);
                   const auto* fork = history.fork_from(timeline);
                   return fork != nullptr && segment->number < fork->at.value / size_.bytes;
               });
    }

    Failure two_branches(const Time& time, const std::vector<Timeline>& branches) const {
        std::vector<std::string> names, words;
        for (const auto branch : branches) {
            const auto last = archive_.last_segments.find(branch);
            names.push_back(branch.text());
            words.push_back(
                last == archive_.last_segments.end()
                    ? fmt::format("timeline {}", branch.text())
                    : fmt::format("timeline {} (archived until {})", branch.text(), instant(last->second.archived_at)));
        }
        return {ExitCode::target_not_reachable,
                fmt::format("several branches hold the time {}: {}", time.text(), system::join(words, ", ")),
                fmt::format("say which of them is meant with target-timeline: {}", system::join(names, " or "))};
    }

    TimelineHistory history_of(Timeline timeline) const {
        const auto found = archive_.histories.find(timeline);
        return found == archive_.histories.end() ? TimelineHistory{timeline, {}} : found->second;
    }

    bool descends(const TimelineHistory& history) const {
        const auto end = backup_.lsn_stop ? backup_.lsn_stop : backup_.lsn_start;
        if (history.timeline == backup_timeline_) {
            return true;
        }
        const auto* fork = history.fork_from(backup_timeline_);
        return fork != nullptr && (!end || *end <= fork->at);
    }

    TimelineChoice choice_of(const TimelineHistory& history, std::string reason) const {
        const auto last = archive_.histories.empty() ? backup_timeline_
                                                     : std::max(backup_timeline_, archive_.histories.rbegin()->first);
        return {history, history.timeline >= last, std::move(reason)};
    }

    const pgbackrest::Backup& backup_;
    Timeline backup_timeline_;
    const pgbackrest::ArchiveContent& archive_;
    postgres::SegmentSize size_;
};

}  // namespace

TimelineChoice choose_timeline(const Request& request, const pgbackrest::Backup& backup, Timeline backup_timeline,
                               const pgbackrest::ArchiveContent& archive, postgres::SegmentSize size) {
    const TimelineChooser chooser(backup, backup_timeline, archive, size);
    if (request.timeline) {
        if (const auto* number = std::get_if<Timeline>(&request.timeline->choice)) {
            return chooser.requested(*number);
        }
        if (std::holds_alternative<Immediate>(request.timeline->choice)) {
            return chooser.backup_timeline("as asked for");
        }
        return chooser.newest_descendant(false);
    }
    const bool guessing = !request.backup_set;
    if (request.target.is_immediate()) {
        return chooser.backup_timeline("the backup's own");
    }
    if (const auto* time = std::get_if<Time>(&request.target.point)) {
        return chooser.alive_at(*time, guessing);
    }
    return chooser.newest_descendant(guessing);
}

Timeline starting_timeline(const pgbackrest::Backup& backup) {
    const auto number = system::number(std::string_view(backup.archive_start).substr(0, 8), 16);
    if (backup.archive_start.size() != 24 || !number) {
        throw Failure(ExitCode::target_not_reachable, fmt::format("backup set {} has no start of WAL", backup.label),
                      "it was made offline; choose another with set");
    }
    return Timeline{static_cast<std::uint32_t>(*number)};
}

bool may_start_on(const pgbackrest::Backup& backup, const std::optional<TimelineWish>& wish) {
    return !wish || !std::holds_alternative<Timeline>(wish->choice) ||
           starting_timeline(backup) <= std::get<Timeline>(wish->choice);
}

}  // namespace patroni_pgbackrest
