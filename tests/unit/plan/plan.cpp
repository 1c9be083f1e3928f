#include "plan/plan.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;

TEST_CASE("a plan holds backup, version, timeline and segments") {
    const auto plan = make_plan(asking_for(latest), two_timelines());
    CHECK(plan.backup.label == "20261122-090000F");
    CHECK(plan.database.system_identifier == "7710953412442782829");
    CHECK(plan.major_version == 15);
    CHECK(plan.timeline().number == 2);
    CHECK(plan.newest_timeline);
    CHECK_FALSE(plan.explicit_timeline);
    CHECK(plan.reason_for_timeline == "the newest that descends from backup set 20261122-090000F");
    CHECK(plan.wal.segments == 6);
    CHECK(plan.wal.first() == segment(1, 5));
    CHECK(plan.wal.last() == segment(2, 10));
    CHECK(plan.segment_size.bytes == 16ULL << 20);
}

TEST_CASE("a timeline that is named is explicit, latest is not") {
    auto request = asking_for(latest);
    request.timeline = TimelineWish{postgres::Timeline{1}};
    CHECK(make_plan(request, two_timelines()).explicit_timeline);
    CHECK_FALSE(make_plan(request, two_timelines()).newest_timeline);
    request.timeline = TimelineWish{Immediate{}};
    CHECK(make_plan(request, two_timelines()).explicit_timeline);
    request.timeline = TimelineWish{Latest{}};
    CHECK_FALSE(make_plan(request, two_timelines()).explicit_timeline);
    CHECK(make_plan(request, two_timelines()).timeline().number == 2);
}

TEST_CASE("the segment size is told by the backup's start") {
    auto state = one_timeline();
    auto& chosen_backup = state.stanza.backups[1];
    chosen_backup.lsn_start = postgres::Lsn{0x14000028};
    chosen_backup.lsn_stop = postgres::Lsn{0x14000100};
    // 64 MiB.
    chosen_backup.archive_start = chosen_backup.archive_stop = segment(1, 5);
    CHECK(make_plan(asking_for({Immediate{}}), state).segment_size.bytes == 64ULL << 20);
    // pgBackRest before 2.36 tells no LSN.
    chosen_backup.lsn_start.reset();
    chosen_backup.lsn_stop.reset();
    CHECK(make_plan(asking_for({Immediate{}}), state).segment_size.bytes == 16ULL << 20);
}
