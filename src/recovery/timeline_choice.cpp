#include "recovery/timeline_choice.hpp"

#include "system/log.hpp"
#include "system/text.hpp"

#include <fmt/format.h>

namespace patroni_pgbackrest::recovery {

namespace {

using postgres::Timeline;
using postgres::TimelineHistory;

class Choosing {
  public:
    Choosing(const pgbackrest::Backup& backup, Timeline own, const pgbackrest::ArchiveContent& archive)
        : backup_(backup), own_(own), archive_(archive) {}

    TimelineChoice wished(Timeline timeline) const {
        if (timeline != own_ && !archive_.histories.contains(timeline)) {
            throw Failure(ExitCode::target_not_reachable,
                          fmt::format("timeline {} is not in the archive: there is no {}", timeline.text(),
                                      timeline.history_file()),
                          "choose one that is there, or leave target-timeline out");
        }
        const auto history = history_of(timeline);
        if (!descends(history)) {
            throw Failure(ExitCode::target_not_reachable,
                          fmt::format("backup set {} of timeline {} is no part of timeline {}'s past", backup_.label,
                                      own_.text(), timeline.text()),
                          "choose an older backup set with set");
        }
        return made(history, "as asked for");
    }

    TimelineChoice own(const std::string& reason) const { return made(history_of(own_), reason); }

    TimelineChoice newest_descendant() const {
        for (auto entry = archive_.histories.rbegin(); entry != archive_.histories.rend(); ++entry) {
            if (entry->first <= own_) {
                break;
            }
            if (descends(entry->second)) {
                return made(entry->second, fmt::format("the newest that descends from backup set {}", backup_.label));
            }
            log::warning("timeline {} is newer, but backup set {} is no part of its past: not followed",
                         entry->first.text(), backup_.label);
        }
        return own("the backup's own, and no newer one descends from it");
    }

    TimelineChoice alive_at(const Time& time) const {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time.at.time_since_epoch()).count();
        for (auto entry = archive_.histories.rbegin(); entry != archive_.histories.rend(); ++entry) {
            const auto archived = archive_.history_times.find(entry->first);
            const bool born = archived != archive_.history_times.end() && archived->second <= seconds;
            if (entry->first > own_ && born && descends(entry->second)) {
                return made(entry->second, "the one that was alive at the target time");
            }
        }
        return own("the one that was alive at the target time");
    }

  private:
    TimelineHistory history_of(Timeline timeline) const {
        const auto found = archive_.histories.find(timeline);
        return found == archive_.histories.end() ? TimelineHistory{timeline, {}} : found->second;
    }

    bool descends(const TimelineHistory& history) const {
        const auto end = backup_.lsn_stop ? backup_.lsn_stop : backup_.lsn_start;
        if (history.timeline == own_) {
            return true;
        }
        const auto* fork = history.fork_from(own_);
        return fork != nullptr && (!end || *end <= fork->at);
    }

    TimelineChoice made(const TimelineHistory& history, std::string reason) const {
        const auto last = archive_.histories.empty() ? own_ : std::max(own_, archive_.histories.rbegin()->first);
        return {history, history.timeline >= last, std::move(reason)};
    }

    const pgbackrest::Backup& backup_;
    Timeline own_;
    const pgbackrest::ArchiveContent& archive_;
};

}  // namespace

TimelineChoice choose_timeline(const Request& request, const pgbackrest::Backup& backup, Timeline own,
                               const pgbackrest::ArchiveContent& archive) {
    const Choosing choosing(backup, own, archive);
    if (request.timeline) {
        if (const auto* number = std::get_if<Timeline>(&request.timeline->choice)) {
            return choosing.wished(*number);
        }
        if (std::holds_alternative<Immediate>(request.timeline->choice)) {
            return choosing.own("as asked for");
        }
        return choosing.newest_descendant();
    }
    if (request.target.is_immediate()) {
        return choosing.own("the backup's own");
    }
    if (const auto* time = std::get_if<Time>(&request.target.point)) {
        return choosing.alive_at(*time);
    }
    return choosing.newest_descendant();
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

}  // namespace patroni_pgbackrest::recovery
