#include "plan/wal_path.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"

#include <fmt/format.h>

using namespace patroni_pgbackrest;
using postgres::Lsn;
using postgres::Timeline;
using postgres::TimelineHistory;

namespace {

/// `first-last` of each range, then what is missing.
std::string text(const PlannedWal& wal) {
    std::string result = std::to_string(wal.segments) + ":";
    for (const auto& range : wal.ranges) {
        result += " " + range.first.substr(6, 2) + range.first.substr(22) + "-" + range.last.substr(6, 2) +
                  range.last.substr(22);
    }
    for (const auto& name : wal.missing) {
        result += " without " + name.substr(6, 2) + name.substr(22);
    }
    return result;
}

std::string planned(const RepositoryState& state, const RecoveryTarget& target, const TimelineHistory& history,
                    std::size_t backup = 0) {
    return text(plan_wal(state.stanza.backups[backup], target, history, state.archive.segments, segment_size));
}

const TimelineHistory first{Timeline{1}, {}};

}  // namespace

TEST_CASE("the plan goes from the backup's start to the archive's end") {
    CHECK(planned(one_timeline(), latest, first) == "8: 0102-0109");
    CHECK(planned(one_timeline(), latest, first, 1) == "5: 0105-0109");
}

TEST_CASE("every target that is no position plans all that the archive has") {
    for (const auto& target :
         {time_target("2026-11-22 09:30:00Z"), RecoveryTarget{Xid{748}}, RecoveryTarget{Name{"x"}}}) {
        CHECK(planned(one_timeline(), target, first) == "8: 0102-0109");
    }
}

TEST_CASE("an immediate target plans the backup's own segments") {
    CHECK(planned(one_timeline(), {Immediate{}}, first) == "1: 0102-0102");
    CHECK(planned(one_timeline(), {Immediate{}}, first, 1) == "2: 0105-0106");
}

TEST_CASE("an LSN target plans the segments up to its own") {
    CHECK(planned(one_timeline(), lsn_target("0/5000028"), first) == "4: 0102-0105");
    CHECK(planned(one_timeline(), lsn_target("0/4FFFFFF"), first) == "3: 0102-0104");
    CHECK(planned(one_timeline(), lsn_target("0/9FFFFFF"), first) == "8: 0102-0109");
    CHECK(planned(one_timeline(), lsn_target("0/FF000000"), first) == "8: 0102-0109");
}

TEST_CASE("across a fork each segment is planned on the newest timeline that has it") {
    const auto state = two_timelines();
    const auto& history = state.archive.histories.at(Timeline{2});
    CHECK(planned(state, latest, history) == "9: 0102-0106 0207-020A");
    CHECK(planned(state, latest, first) == "8: 0102-0109");
    CHECK(planned(state, lsn_target("0/8000000"), history) == "7: 0102-0106 0207-0208");
}

TEST_CASE("the segment of the fork is taken from the parent while the child has none") {
    auto state = two_timelines();
    const auto history = state.archive.histories.at(Timeline{2});
    remove_segment(state.archive, segment(2, 7));
    CHECK(planned(state, latest, history) == "9: 0102-0107 0208-020A");
}

TEST_CASE("the parent's segments after the fork belong to no plan of the child") {
    auto state = two_timelines();
    const auto history = state.archive.histories.at(Timeline{2});
    for (std::uint64_t number = 7; number <= 10; ++number) {
        remove_segment(state.archive, segment(2, number));
    }
    CHECK(planned(state, latest, history) == "6: 0102-0107");
    PlannedWal wal = plan_wal(state.stanza.backups[0], latest, history, state.archive.segments, segment_size);
    CHECK(wal.contains(segment(1, 7)));
    CHECK_FALSE(wal.contains(segment(1, 8)));
}

TEST_CASE("several forks are followed one after the other") {
    RepositoryState state = one_timeline();
    add_segments(state.archive, 2, 7, 12);
    add_segments(state.archive, 3, 11, 0x11);
    const TimelineHistory third{Timeline{3}, {{Timeline{1}, Lsn{0x7000158}, "x"}, {Timeline{2}, Lsn{0xB000000}, "y"}}};
    CHECK(planned(state, latest, third) == "16: 0102-0106 0207-020A 030B-0311");
}

TEST_CASE("segments that are missing in the middle are told by their names") {
    auto state = one_timeline();
    remove_segment(state.archive, segment(1, 4));
    remove_segment(state.archive, segment(1, 7));
    CHECK(planned(state, latest, first) == "8: 0102-0109 without 0104 without 0107");
    CHECK(planned(state, lsn_target("0/5000028"), first) == "4: 0102-0105 without 0104");
    CHECK(planned(state, {Immediate{}}, first) == "1: 0102-0102");
}

TEST_CASE("a segment that is missing on the child's timeline is told by the child's name") {
    auto state = two_timelines();
    const auto history = state.archive.histories.at(Timeline{2});
    remove_segment(state.archive, segment(2, 8));
    CHECK(planned(state, latest, history) == "9: 0102-0106 0207-020A without 0208");
}

TEST_CASE("an empty archive lacks the backup's own segments") {
    auto state = one_timeline();
    state.archive.segments = {};
    CHECK(planned(state, latest, first, 1) == "2: 0105-0106 without 0105 without 0106");
}

TEST_CASE("other segment sizes are counted in their own names") {
    const postgres::SegmentSize large{64ULL << 20};
    auto chosen = backup("20261122-080000F", 1, 2, 2, "2026-11-22 08:00:00Z");
    chosen.archive_start = chosen.archive_stop = "00000001000000000000003F";
    // 64 segments of 64 MiB fill one number of the middle part.
    pgbackrest::ArchivedFiles archived;
    for (const char* name : {"00000001000000000000003F", "000000010000000100000000"}) {
        archived.add({1, fmt::format("{}-{:040x}", name, 0)});
    }
    const auto wal = plan_wal(chosen, latest, first, archived, large);
    CHECK(wal.segments == 2);
    CHECK(wal.missing.empty());
    CHECK(wal.last() == "000000010000000100000000");
}

TEST_CASE("a plan knows its segments by timeline and number") {
    PlannedWal wal;
    CHECK(wal.first().empty());
    CHECK(wal.last().empty());
    CHECK_FALSE(wal.contains(segment(1, 2)));
    wal.ranges = {{segment(1, 2), segment(1, 6)}, {segment(2, 7), segment(2, 0x10)}};
    CHECK(wal.first() == segment(1, 2));
    CHECK(wal.last() == segment(2, 0x10));
    CHECK(wal.contains(segment(1, 2)));
    CHECK(wal.contains(segment(1, 6)));
    CHECK_FALSE(wal.contains(segment(1, 7)));
    CHECK(wal.contains(segment(2, 7)));
    CHECK_FALSE(wal.contains(segment(2, 6)));
    CHECK_FALSE(wal.contains(segment(2, 0x11)));
    CHECK_FALSE(wal.contains(segment(3, 7)));
}

TEST_CASE("what the repository proves to have been written is planned, whether it is there or not") {
    auto state = two_timelines();
    const auto& history = state.archive.histories.at(Timeline{2});
    const auto proven = [&] { return proven_segment(history, state.archive, state.stanza.backups, segment_size); };
    CHECK(proven() == 6);  // before the fork, and the second backup's own
    state.archive.partials[segment(2, 10)] = {};
    CHECK(proven() == 9);
    state.archive.partials[segment(1, 12)] = {};  // behind the fork
    CHECK(proven() == 9);
    state.stanza.backups.push_back(backup("20261122-130000F", 2, 11, 12, "2026-11-22 13:00:00Z"));
    CHECK(proven() == 12);
    const auto wal = plan_wal(state.stanza.backups[1], latest, history, state.archive.segments, segment_size, proven());
    CHECK(wal.missing == std::vector<std::string>{segment(2, 11), segment(2, 12)});
}
