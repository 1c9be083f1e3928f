#include "plan/target_search.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;
using postgres::Lsn;
using postgres::Timeline;

namespace {

std::string found(const RecoveryTarget& target, const RepositoryState& state, bool search = false) {
    auto request = asking_for(target);
    request.search = search;
    const auto backup = find_backup_before_target(request, state.stanza.backups, state);
    return backup ? backup->label : "none";
}

const RecoveryTarget transaction{Xid{748}};
const RecoveryTarget point{Name{"before the change"}};

void add_point(RepositoryState& state, std::uint32_t timeline, std::uint64_t number, Lsn at) {
    wal_of(state).content[segment(timeline, number)].restore_points.push_back({at, at, {"before the change", {}}});
}

}  // namespace

TEST_CASE("a target is searched for where several backup sets may lead to it, a restore point always") {
    const auto backups = one_timeline().stanza.backups;
    CHECK(needs_search(asking_for(transaction), backups));
    CHECK(needs_search(asking_for(point), backups));
    CHECK_FALSE(needs_search(asking_for(transaction), {backups.front()}));
    CHECK(needs_search(asking_for(point), {backups.front()}));  // there may be several
    CHECK_FALSE(needs_search(asking_for(point), {}));
    CHECK_FALSE(needs_search(asking_for({Latest{}}), backups));
    auto named = asking_for(transaction);
    named.backup_set = backups.front().label;
    CHECK_FALSE(needs_search(named, backups));
}

TEST_CASE("the newest backup set that ended before the target is found") {
    auto state = one_timeline();
    wal_of(state).transactions[segment(1, 8)][748] = Lsn{0x8000100};
    CHECK(found(transaction, state) == "20261122-090000F");
    wal_of(state).transactions.clear();
    wal_of(state).transactions[segment(1, 3)][748] = Lsn{0x3000100};
    CHECK(found(transaction, state) == "20261122-080000F");
    add_point(state, 1, 6, Lsn{0x6000200});  // the second backup ends in segment 6 at 0x100
    CHECK(found(point, state) == "20261122-090000F");
}

TEST_CASE("a backup set of an abandoned branch does not lead to a target on the newest timeline") {
    auto state = two_timelines();
    state.stanza.backups.push_back(backup("20261122-113000F", 1, 8, 8, "2026-11-22 11:30:00Z"));
    wal_of(state).transactions[segment(2, 9)][748] = Lsn{0x9000100};
    CHECK(found(transaction, state) == "20261122-090000F");
}

TEST_CASE("a target in the common past is found although two branches may be the latest") {
    auto state = two_timelines();
    wal_of(state).commit(1, 9, "2026-11-22 12:50:00Z");  // behind timeline 2's last one
    wal_of(state).transactions[segment(1, 3)][748] = Lsn{0x3000100};
    add_point(state, 1, 6, Lsn{0x6000200});
    CHECK(found(transaction, state) == "20261122-080000F");
    CHECK(found(point, state) == "20261122-090000F");
}

TEST_CASE("a target that is nowhere is refused, one that the search did not come to is not known") {
    auto state = one_timeline();
    CHECK(
        problems_of(ExitCode::target_not_reachable, [&] { found(transaction, state); }) ==
        Problems{{"the target xid 748 is nowhere in the WAL from backup set 20261122-080000F to the end of timeline 1",
                  "if it is on another timeline, name that with target-timeline; if its server runs, select "
                  "pg_switch_wal() there has the WAL archived that it is in"}});
    add_segments(state.archive, 1, 10, 10 + most_segments_to_look_through(segment_size));
    CHECK(found(transaction, state) == "none");
    CHECK(problems_of(ExitCode::target_not_reachable, [&] { found(transaction, state, true); }).size() == 1);
    wal_of(state).transactions[segment(1, 3)][748] = Lsn{0x3000100};
    CHECK(found(transaction, state, true) == "20261122-080000F");
}

TEST_CASE("a restore point of the same name is looked for back to where the replay would begin") {
    auto state = one_timeline();
    const auto most = most_segments_to_look_through(segment_size);
    add_segments(state.archive, 1, 10, 20 + most);
    add_point(state, 1, 20 + most, Lsn{(20 + most) * segment_size.bytes + 0x100});
    CHECK(found(point, state) == "20261122-090000F");
    add_point(state, 1, 8, Lsn{0x8000100});
    CHECK(problems_of(ExitCode::usage, [&] { found(point, state); }).size() == 1);
}

TEST_CASE("several restore points with one name are refused, and all are named") {
    auto state = one_timeline();
    add_point(state, 1, 3, Lsn{0x3000100});
    add_point(state, 1, 8, Lsn{0x8000100});
    CHECK(problems_of(ExitCode::usage, [&] { found(point, state); }) ==
          Problems{{"several restore points are called before the change: at 0/3000100 (WAL segment "
                    "000000010000000000000003), 0/8000100 (WAL segment 000000010000000000000008)",
                    "the replay ends at the first one behind the backup: name a backup set with set, or ask for one of "
                    "these places with type lsn"}});
}

TEST_CASE("with one backup set a restore point that is nowhere is refused, unless there is WAL that cannot be read") {
    auto state = one_timeline();
    state.stanza.backups.erase(state.stanza.backups.begin());
    const auto problems = problems_of(ExitCode::target_not_reachable, [&] { found(point, state); });
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].message == "the target name before the change is nowhere in the WAL from backup set "
                                 "20261122-090000F to the end of timeline 1");
    SECTION("a segment is missing") {
        remove_segment(state.archive, segment(1, 8));
        CHECK(found(point, state) == "none");
    }
    SECTION("the search did not come to the first segments") {
        add_segments(state.archive, 1, 10, 10 + most_segments_to_look_through(segment_size));
        CHECK(found(point, state) == "none");
        CHECK(problems_of(ExitCode::target_not_reachable, [&] { found(point, state, true); }).size() == 1);
    }
}

TEST_CASE("with one backup set several restore points with one name are refused as well") {
    auto state = one_timeline();
    state.stanza.backups.erase(state.stanza.backups.begin());
    add_point(state, 1, 8, Lsn{0x8000100});
    CHECK(found(point, state) == "20261122-090000F");
    add_point(state, 1, 5, Lsn{0x5000020});  // the backup starts behind it, and so does the replay
    CHECK(found(point, state) == "20261122-090000F");
    add_point(state, 1, 7, Lsn{0x7000100});
    const auto problems = problems_of(ExitCode::usage, [&] { found(point, state); });
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].message ==
          "several restore points are called before the change: at 0/7000100 (WAL segment 000000010000000000000007), "
          "0/8000100 (WAL segment 000000010000000000000008)");
}

TEST_CASE("a target before the end of every backup set is refused with the first point there is") {
    auto state = one_timeline();
    state.stanza.backups.erase(state.stanza.backups.begin());
    add_point(state, 1, 6, Lsn{0x6000080});
    CHECK(problems_of(ExitCode::target_not_reachable, [&] { found(point, state); }) ==
          Problems{{"the target name before the change is at 0/6000080 (WAL segment 000000010000000000000006), before "
                    "the end of backup set 20261122-090000F at 0/6000100, and no older set leads to it",
                    "the first point that this set leads to is its end: say set: 20261122-090000F and type: "
                    "immediate"}});
    state.stanza.backups.front().lsn_stop.reset();  // pgBackRest before 2.36
    CHECK(found(point, state) == "none");
}
