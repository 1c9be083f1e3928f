#include "plan/timelines.hpp"

#include "plan/timeline_choice.hpp"
#include "system/failure.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace patroni_pgbackrest {

using postgres::Timeline;

namespace {

/// The timelines of which the repository holds WAL, a backup or a part of a history, but no whole history file, each
/// with what shows that it was there. Timeline 1 has no history.
std::map<Timeline, std::string> timelines_without_history(const pgbackrest::ArchiveContent& archive,
                                                          const std::vector<pgbackrest::Backup>& backups) {
    std::map<Timeline, std::string> lost;
    const auto note = [&](Timeline timeline, const std::string& shown_by) {
        if (timeline > Timeline{1} && !archive.histories.contains(timeline)) {
            lost.emplace(timeline, shown_by);
        }
    };
    for (const auto& [timeline, why] : archive.broken_histories) {
        note(timeline, why);
    }
    for (const auto& [timeline, directory] : archive.directories) {
        note(timeline, fmt::format("{} holds WAL of it", directory));
    }
    for (const auto& [timeline, last] : archive.last_segments) {
        note(timeline, fmt::format("WAL segment {} is there", last.name));
    }
    for (const auto& backup : backups) {
        if (!backup.archive_start.empty()) {
            note(starting_timeline(backup), fmt::format("backup set {} was made on it", backup.label));
        }
    }
    return lost;
}

void require_free_number(Timeline followed, const pgbackrest::ArchiveContent& archive, const std::string& push) {
    Timeline next{followed.number + 1};
    while (archive.histories.contains(next)) {
        ++next.number;
    }
    auto greatest = archive.histories.empty() ? followed : archive.histories.rbegin()->first;
    if (!archive.named_timelines.empty()) {
        greatest = std::max(greatest, *archive.named_timelines.rbegin());
    }
    if (next < greatest) {
        throw Failure(ExitCode::target_not_reachable,
                      fmt::format("PostgreSQL would call the new timeline {}, and the archive knows timeline {}: the "
                                  "next restore would take that for the newer one",
                                  next.text(), greatest.text()),
                      fmt::format("look for {0} in pg_wal of every node that was on it, and bring it into the archive "
                                  "with {1} /PATH/{0}",
                                  next.history_file(), push));
    }
}

/// A timeline that was left before the backup is on the way no more.
bool depends_on(Timeline timeline, const std::vector<pgbackrest::HistoryCopy>& copies, const Request& request,
                const Plan& plan) {
    if (timeline > plan.timeline()) {
        return !plan.explicit_timeline && !request.target.is_immediate() &&
               std::any_of(copies.begin(), copies.end(),
                           [&](const auto& copy) { return descends_from(copy.history, plan.backup); });
    }
    return timeline == plan.timeline() ||
           (timeline >= starting_timeline(plan.backup) && plan.history.fork_from(timeline) != nullptr);
}

}  // namespace

void require_one_past(const Request& request, const Plan& plan, const pgbackrest::ArchiveContent& archive,
                      const std::vector<pgbackrest::Backup>& backups) {
    for (const auto& [timeline, copies] : archive.history_copies) {
        const auto& first = copies.front().history;
        const auto other = std::find_if(copies.begin(), copies.end(),
                                        [&](const auto& copy) { return copy.history.fork_unlike(first) != nullptr; });
        if (other == copies.end() || !depends_on(timeline, copies, request, plan)) {
            continue;
        }
        std::vector<std::string> words, choices;
        for (const auto& copy : copies) {
            const auto* unlike = copy.history.fork_unlike(first);
            const auto& fork = unlike != nullptr ? *unlike : *first.fork_unlike(other->history);
            words.push_back(fmt::format("repo{} says that timeline {} was left at {}", copy.repository,
                                        fork.parent.text(), fork.at.text()));
            const bool has_backup = std::any_of(backups.begin(), backups.end(), [&](const auto& backup) {
                return backup.repository == copy.repository;
            });
            choices.push_back(
                fmt::format("repo: {}{}", copy.repository, has_backup ? "" : " (which holds no backup set)"));
        }
        throw Failure(
            ExitCode::target_not_reachable,
            fmt::format("the repositories hold different files {}: {}", timeline.history_file(),
                        system::join(words, ", ")),
            fmt::format("two nodes were promoted to timeline {}: say whose branch is meant with {}{}", timeline.text(),
                        system::join(choices, " or "),
                        timeline > plan.timeline()
                            ? fmt::format("; for none of them, say target-timeline: {}", plan.timeline().text())
                            : std::string()));
    }
}

void require_histories(Timeline followed, const pgbackrest::ArchiveContent& archive,
                       const std::vector<pgbackrest::Backup>& backups, const std::string& push) {
    const auto lost = timelines_without_history(archive, backups);
    const auto first = lost.lower_bound(followed);
    if (first == lost.end()) {
        require_free_number(followed, archive, push);
        return;
    }
    const auto& [timeline, shown_by] = *first;
    throw Failure(
        ExitCode::target_not_reachable,
        fmt::format("the repository has no whole {}, and timeline {} was there: {}", timeline.history_file(),
                    timeline.text(), shown_by),
        fmt::format(
            "look for {0} in pg_wal of every node that was on timeline {1} (archive_status/{0}.ready marks one "
            "that was never archived), and bring it into the archive with {2} /PATH/{0}: without it timeline {1} "
            "cannot be followed, and its number would be taken a second time",
            timeline.history_file(), timeline.text(), push));
}

void require_no_newer_elsewhere(const postgres::TimelineHistory& followed, const pgbackrest::ArchiveContent& archive,
                                const std::vector<ArchiveElsewhere>& elsewhere,
                                const pgbackrest::Pgbackrest& pgbackrest) {
    for (const auto& other : elsewhere) {
        const auto unknown = std::find_if(other.timelines.begin(), other.timelines.end(), [&](Timeline timeline) {
            return timeline > followed.timeline && !archive.histories.contains(timeline);
        });
        if (unknown != other.timelines.end()) {
            const auto file = unknown->history_file();
            const auto bring =
                other.histories.contains(*unknown)
                    ? fmt::format("{} >/tmp/{}",
                                  pgbackrest::get_by_hand(pgbackrest, other.repository, other.path + "/" + file), file)
                    : fmt::format("cp PG_WAL_OF_A_NODE_THAT_WAS_ON_IT/{0} /tmp/{0}", file);
            throw Failure(
                ExitCode::target_not_reachable,
                fmt::format(
                    "repo{} knows timeline {}, and the repository that repo names does not: the number would be "
                    "taken a second time, and archive-push would write over {}",
                    other.repository, unknown->text(), file),
                fmt::format("restore from that repository with repo: {0}, or from all by leaving repo out; to give "
                            "timeline {1} up, say target-timeline: {2} after its history was brought over: {3} && {4} "
                            "/tmp/{5}",
                            other.repository, unknown->text(), followed.timeline.text(), bring,
                            pgbackrest::push_by_hand(pgbackrest), file));
        }
        const auto last = archive.last_segments.find(followed.timeline);
        if (last != archive.last_segments.end() && other.last > last->second.name &&
            other.last.substr(0, 8) == last->second.name.substr(0, 8)) {
            log::warning("repo{} holds WAL to segment {}, the repository that repo names to {}", other.repository,
                         other.last, last->second.name);
        }
    }
}

}  // namespace patroni_pgbackrest
