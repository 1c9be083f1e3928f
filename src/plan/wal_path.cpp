#include "plan/wal_path.hpp"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <variant>

namespace patroni_pgbackrest {

namespace {

using postgres::Segment;
using postgres::Timeline;

/// The segment numbers in which PostgreSQL looks for a timeline. The segment of a fork counts for parent and child.
struct TimelinePart {
    Timeline timeline;
    std::uint64_t first, last;
};

std::vector<TimelinePart> parts_of(const postgres::TimelineHistory& history, postgres::SegmentSize size) {
    std::vector<TimelinePart> parts;
    std::uint64_t first = 0;
    for (const auto& fork : history.forks) {
        const auto last = fork.at.value / size.bytes;
        parts.push_back({fork.parent, first, last});
        first = last;
    }
    parts.push_back({history.timeline, first, UINT64_MAX});
    return parts;
}

struct FoundSegment {
    std::string name;
    bool is_archived;
};

/// PostgreSQL looks for a segment on the newest timeline that can have it first (XLogFileReadAnyTLI). A segment that no
/// timeline has is named by the oldest that can have it.
FoundSegment find_segment(std::uint64_t number, const std::vector<TimelinePart>& parts,
                          const pgbackrest::ArchivedFiles& archived, postgres::SegmentSize size) {
    std::string name;
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
        if (number >= part->first && number <= part->last) {
            name = Segment{part->timeline, number}.name(size);
            if (archived.contains(name)) {
                return {name, true};
            }
        }
    }
    return {name, false};
}

/// The number of the newest archived segment that lies on one of the parts; `least` when none is newer.
std::uint64_t newest_archived(const std::vector<TimelinePart>& parts, const pgbackrest::ArchivedFiles& archived,
                              postgres::SegmentSize size, std::uint64_t least) {
    constexpr std::uint64_t greatest_number = 0xFFFFFFFFFF;
    std::uint64_t newest = least;
    for (const auto& part : parts) {
        const auto limit = Segment{part.timeline, std::min(part.last, greatest_number)}.name(size);
        const auto last = archived.last_up_to(limit);
        const auto segment = last ? Segment::parse(*last, size) : std::nullopt;
        if (segment && segment->timeline == part.timeline && segment->number >= part.first) {
            newest = std::max(newest, segment->number);
        }
    }
    return newest;
}

/// Names of one timeline sort like their numbers.
bool same_timeline(const std::string& name, const std::string& other) {
    return name.substr(0, 8) == other.substr(0, 8);
}

void append(PlannedWal& wal, const FoundSegment& segment) {
    ++wal.segments;
    if (!segment.is_archived) {
        wal.missing.push_back(segment.name);
    }
    if (!wal.ranges.empty() && same_timeline(wal.ranges.back().last, segment.name)) {
        wal.ranges.back().last = segment.name;
    } else {
        wal.ranges.push_back({segment.name, segment.name});
    }
}

}  // namespace

PlannedWal plan_wal(const pgbackrest::Backup& backup, const RecoveryTarget& target,
                    const postgres::TimelineHistory& history, const pgbackrest::ArchivedFiles& archived,
                    postgres::SegmentSize size, std::uint64_t proven) {
    const auto start = *Segment::parse(backup.archive_start, size);
    const auto parts = parts_of(history, size);
    auto end = Segment::parse(backup.archive_stop, size).value_or(start).number;
    if (!target.is_immediate()) {
        end = std::max(newest_archived(parts, archived, size, end), proven);
    }
    if (const auto* lsn = std::get_if<LsnTarget>(&target.point)) {
        end = std::min(end, std::max(start.number, lsn->lsn.value / size.bytes));
    }
    PlannedWal wal;
    for (auto number = start.number; number <= end; ++number) {
        append(wal, find_segment(number, parts, archived, size));
    }
    return wal;
}

bool has_record_from(const postgres::SegmentFacts& facts, postgres::Lsn position) {
    return facts.last_record ? *facts.last_record >= position : !facts.first_page;
}

std::uint64_t proven_segment(const postgres::TimelineHistory& history, const pgbackrest::ArchiveContent& archive,
                             const std::vector<pgbackrest::Backup>& backups, postgres::SegmentSize size) {
    std::uint64_t proven = 0;
    const auto note_before = [&](std::uint64_t number) { proven = std::max(proven, number == 0 ? 0 : number - 1); };
    for (const auto& fork : history.forks) {
        note_before(fork.at.value / size.bytes);
    }
    for (const auto& [name, file] : archive.partials) {
        const auto partial = Segment::parse(name, size);
        if (partial && history.contains(partial->timeline, partial->start(size))) {
            note_before(partial->number);
        }
    }
    for (const auto& backup : backups) {
        const auto stop = Segment::parse(backup.archive_stop, size);
        const auto end = backup.lsn_stop.value_or(stop ? stop->start(size) : postgres::Lsn{});
        if (stop && history.contains(stop->timeline, end)) {
            proven = std::max(proven, stop->number);
        }
    }
    return proven;
}

bool PlannedWal::contains(const std::string& segment) const {
    return std::any_of(ranges.begin(), ranges.end(), [&](const SegmentRange& range) {
        return same_timeline(range.first, segment) && range.first <= segment && segment <= range.last;
    });
}

void PlannedWal::visit_backwards(postgres::SegmentSize size,
                                 const std::function<bool(const std::string&)>& visit) const {
    for (auto range = ranges.rbegin(); range != ranges.rend(); ++range) {
        const auto first = *Segment::parse(range->first, size);
        auto segment = *Segment::parse(range->last, size);
        for (;; --segment.number) {
            if (!visit(segment.name(size))) {
                return;
            }
            if (segment == first) {
                break;
            }
        }
    }
}

std::string PlannedWal::missing_text() const {
    return missing.size() == 1 ? missing.front() : fmt::format("{} to {}", missing.front(), missing.back());
}

}  // namespace patroni_pgbackrest
