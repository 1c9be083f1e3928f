#include "plan/rejected_runs.hpp"

#include <algorithm>

namespace patroni_pgbackrest {

using postgres::Timeline;

std::set<Timeline> rejected_timelines(const pgbackrest::ArchiveContent& archive, const RejectedRuns& runs) {
    std::set<Timeline> rejected;
    const auto is_the_last_one_s = [&](Timeline timeline) {
        const auto last = archive.last_segments.find(timeline);
        return timeline > runs.followed && runs.archived.contains(timeline.history_file()) &&
               (last == archive.last_segments.end() || runs.archived.contains(last->second.name));
    };
    for (const auto& [timeline, history] : archive.histories) {
        if (runs.known.contains(timeline) || is_the_last_one_s(timeline)) {
            rejected.insert(timeline);
        }
    }
    // A child has a greater number than its parent.
    for (auto entry = archive.histories.rbegin(); entry != archive.histories.rend(); ++entry) {
        if (!rejected.contains(entry->first)) {
            for (const auto& fork : entry->second.forks) {
                rejected.erase(fork.parent);
            }
        }
    }
    return rejected;
}

}  // namespace patroni_pgbackrest
