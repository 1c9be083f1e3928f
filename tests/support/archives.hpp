#pragma once

#include "plan/plan.hpp"
#include "postgres/timeline_history.hpp"
#include "postgres/wal.hpp"
#include "support/requests.hpp"

#include <cstdint>
#include <set>
#include <string>

namespace patroni_pgbackrest {

constexpr postgres::SegmentSize segment_size{};

inline std::string segment(std::uint32_t timeline, std::uint64_t number) {
    return postgres::Segment{postgres::Timeline{timeline}, number}.name(segment_size);
}

/// The segments `first` to `last` of a timeline.
inline void add_segments(std::set<std::string>& segments, std::uint32_t timeline, std::uint64_t first,
                         std::uint64_t last) {
    for (auto number = first; number <= last; ++number) {
        segments.insert(segment(timeline, number));
    }
}

inline std::int64_t seconds(const std::string& time) {
    return std::chrono::duration_cast<std::chrono::seconds>(Time::parse(time).value().at.time_since_epoch()).count();
}

/// A backup of a few minutes that starts in segment `first` of a timeline and ends in segment `last`.
inline pgbackrest::Backup backup(const std::string& label, std::uint32_t timeline, std::uint64_t first,
                                 std::uint64_t last, const std::string& stopped, unsigned repository = 1) {
    pgbackrest::Backup backup{};
    backup.label = label;
    backup.type = "full";
    backup.repository = repository;
    backup.database_id = 1;
    backup.stopped = seconds(stopped);
    backup.started = backup.stopped - 300;
    backup.lsn_start = postgres::Lsn{first * segment_size.bytes + 0x28};
    backup.lsn_stop = postgres::Lsn{last * segment_size.bytes + 0x100};
    backup.archive_start = segment(timeline, first);
    backup.archive_stop = segment(timeline, last);
    return backup;
}

/// Two backups on timeline 1, at 08:00 in segment 2 and at 09:00 in segments 5 and 6, and WAL up to segment 9.
inline RepositoryState one_timeline() {
    RepositoryState state;
    state.stanza.name = "demo";
    state.stanza.databases.push_back({1, 1, "7710953412442782829", "15"});
    state.stanza.backups = {backup("20261122-080000F", 1, 2, 2, "2026-11-22 08:00:00Z"),
                            backup("20261122-090000F", 1, 5, 6, "2026-11-22 09:00:00Z")};
    add_segments(state.archive.segments, 1, 2, 9);
    return state;
}

/// The same, and a timeline 2 that left it in segment 7 at 10:00, was archived at 12:00 and goes on to segment 10.
inline RepositoryState two_timelines() {
    auto state = one_timeline();
    const postgres::Timeline second{2};
    state.archive.histories[second] = {
        second,
        {{postgres::Timeline{1}, postgres::Lsn{7 * segment_size.bytes + 0x158}, "before 2026-11-22 10:00:00Z"}}};
    state.archive.history_times[second] = seconds("2026-11-22 12:00:00Z");
    add_segments(state.archive.segments, 2, 7, 10);
    return state;
}

}  // namespace patroni_pgbackrest
