#include "plan/reachability.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;

namespace {

/// From the newest backup set, whatever the target.
Request from_newest(const RecoveryTarget& target) {
    auto request = asking_for(target);
    request.backup_set = "20261122-090000F";
    return request;
}

}  // namespace

TEST_CASE("a gap in the backup's own segments is refused") {
    auto state = one_timeline();
    state.archive.segments.erase(segment(1, 6));
    for (const auto& target : {latest, RecoveryTarget{Immediate{}}, RecoveryTarget{Xid{748}}}) {
        CHECK(no_plan(from_newest(target), state) ==
              Problems{{"WAL segment 000000010000000000000006 is missing from the archive, and backup set "
                        "20261122-090000F cannot be made consistent without it",
                        "choose another backup set with set"}});
    }
}

TEST_CASE("a gap behind the backup refuses a restore to the latest point, with the nearest one") {
    auto state = one_timeline();
    state.archive.segments.erase(segment(1, 7));
    CHECK(no_plan(asking_for(latest), state) ==
          Problems{{"WAL segment 000000010000000000000007 is missing from the archive: what comes after it cannot be "
                    "replayed",
                    "bring it back, use a newer backup set, or ask for a point before it: the end of backup set "
                    "20261122-090000F (type immediate)"}});
    state.archive.segments.erase(segment(1, 8));
    CHECK(no_plan(asking_for(latest), state)[0].message ==
          "WAL segment 000000010000000000000007 to 000000010000000000000008 is missing from the archive: what comes "
          "after it cannot be replayed");
}

TEST_CASE("the point that the refusal of a gap names can be planned") {
    auto state = one_timeline();
    state.archive.segments.erase(segment(1, 8));
    CHECK(no_plan(asking_for(latest), state)[0].hint ==
          "bring it back, use a newer backup set, or ask for a point before it: type lsn and target 0/7000000");
    CHECK(make_plan(asking_for(lsn_target("0/7000000")), state).wal.last() == segment(1, 7));
}

TEST_CASE("a gap before an LSN target is refused, one behind it is not needed") {
    auto state = one_timeline();
    state.archive.segments.erase(segment(1, 7));
    CHECK(no_plan(asking_for(lsn_target("0/8000028")), state) ==
          Problems{{"WAL segment 000000010000000000000007 is missing from the archive, before the target 0/8000028",
                    "a point before it is the end of backup set 20261122-090000F (type immediate)"}});
    CHECK(no_plan(asking_for(lsn_target("0/6500000")), state).empty());
}

TEST_CASE("a gap that a time, a transaction or a name may lie before is left to the replay") {
    auto state = one_timeline();
    state.archive.segments.erase(segment(1, 8));
    for (const auto& target :
         {time_target("2026-11-22 09:30:00Z"), RecoveryTarget{Xid{748}}, RecoveryTarget{Name{"x"}}}) {
        const auto plan = make_plan(from_newest(target), state);
        CHECK(plan.wal.missing == std::vector<std::string>{segment(1, 8)});
        CHECK(plan.wal.contains(segment(1, 8)));
    }
}

TEST_CASE("an LSN target behind the archive's end is refused with the nearest point") {
    CHECK(no_plan(asking_for(lsn_target("0/A000001")), one_timeline()) ==
          Problems{{"the archive ends at 0/A000000 (WAL segment 000000010000000000000009), before the target 0/A000001",
                    "a point before it is type lsn and target 0/9001000; type latest brings all there is"}});
    // PostgreSQL ends at a record that begins there or behind it, and there is none.
    CHECK(no_plan(asking_for(lsn_target("0/A000000")), one_timeline()).size() == 1);
    CHECK(no_plan(asking_for(lsn_target("0/9001008")), one_timeline()).size() == 1);
    CHECK(no_plan(asking_for(lsn_target("0/9001000")), one_timeline()).empty());
}
