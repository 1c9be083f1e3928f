#include "plan/rejected_runs.hpp"

#include "pgbackrest/archive_names.hpp"

#include <algorithm>

namespace patroni_pgbackrest {

using pgbackrest::RejectedTimelines;
using postgres::Timeline;
using postgres::TimelineHistory;

namespace {

bool is_same(const TimelineHistory& one, const TimelineHistory& other) {
    return std::equal(one.forks.begin(), one.forks.end(), other.forks.begin(), other.forks.end(),
                      [](const auto& left, const auto& right) {
                          return left.parent == right.parent && left.at == right.at && left.reason == right.reason;
                      });
}

/// Two nodes have archived under that number, each into another repository, and only one of them can be the run's.
bool is_of_two(Timeline timeline, const pgbackrest::ArchiveContent& archive) {
    return std::any_of(archive.contradictions.begin(), archive.contradictions.end(),
                       [&](const auto& entry) { return pgbackrest::timeline_of(entry.first) == timeline; });
}

}  // namespace

RejectedTimelines rejected_timelines(const pgbackrest::ArchiveContent& archive, const RejectedRuns& runs) {
    RejectedTimelines rejected;
    for (const auto& [timeline, history] : archive.histories) {
        const auto last = archive.last_segments.find(timeline);
        const bool has_wal = last != archive.last_segments.end();
        const auto file = has_wal ? archive.segments.find(last->second.name) : std::nullopt;
        const auto checksum = file ? file->checksum() : std::string();
        const auto known = runs.known.find(timeline);
        const auto own = runs.histories.find(timeline);
        const bool is_known = known != runs.known.end() && known->second == checksum;
        const bool is_own =
            own != runs.histories.end() && is_same(own->second, history) &&
            (has_wal ? runs.checksum(last->second.name) == checksum : !runs.unproven.contains(timeline));
        if ((is_known || is_own) && has_wal != checksum.empty() && !is_of_two(timeline, archive)) {
            rejected[timeline] = checksum;
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
