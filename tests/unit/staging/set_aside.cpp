#include "staging/set_aside.hpp"

#include "staging/hand_over.hpp"
#include "staging/staging.hpp"
#include "support/catch.hpp"
#include "support/restore.hpp"

using namespace patroni_pgbackrest;

TEST_CASE("what Patroni set aside is known by its inode and cluster") {
    const Rejected restore;
    const auto& layout = restore.layout;
    CHECK_FALSE(set_aside_by_patroni(restore.request, layout));
    restore.set_aside();
    const auto found = set_aside_by_patroni(restore.request, layout);
    REQUIRE(found);
    CHECK(*found == restore.directory);

    SECTION("only while nothing but its own has come into the archive since") {
        auto journal = Journal::read(layout.journal());
        journal->goal = RestoreGoal{restore.request.target, restore.plan.timeline(), restore.plan.wal.last(),
                                    restore.plan.segment_size, false};
        journal->save(layout.journal());
        auto plan = restore.plan;
        const auto is_newest = [&] { return is_still_the_newest(restore.request, plan, layout); };
        const postgres::Timeline first{1}, second{2};
        plan.archive_end.last_segments[first] = {restore.plan.wal.last(), 0};
        CHECK(is_newest());
        plan.archive_end.histories.insert(second);
        CHECK_FALSE(is_newest());
        plan.rejected_timelines = {second};
        CHECK(is_newest());
        const auto now = journal->handed_over->at;
        plan.archive_end.last_segments[second] = {segment(2, 9), now};
        CHECK(is_newest());
        plan.rejected_timelines.clear();
        CHECK_FALSE(is_newest());
        plan.archive_end.last_segments[second] = {segment(2, 12), now - 3600};  // an older branch
        CHECK(is_newest());
        plan.archive_end.last_segments[first].name = segment(1, 40);
        CHECK_FALSE(is_newest());
        plan.archive_end.last_segments[first].name = restore.plan.wal.last();
        plan.backup.label = "20261122-100000F";
        CHECK_FALSE(is_newest());
    }
    SECTION("with what it has archived itself, whatever the request is") {
        auto journal = Journal::read(layout.journal());
        journal->goal = RestoreGoal{restore.request.target, restore.plan.timeline(), restore.plan.wal.last(),
                                    restore.plan.segment_size, false};
        journal->rejected_timelines = {postgres::Timeline{5}};
        journal->save(layout.journal());
        restore.files.write("data.failed/pg_wal/archive_status/00000002.history.done", "");
        restore.files.write("data.failed/pg_wal/archive_status/" + segment(2, 9) + ".ready", "");
        const auto runs = rejected_runs(layout);
        CHECK(runs.system_identifier == restore.plan.database.system_identifier);
        CHECK(runs.followed == restore.plan.timeline());
        CHECK(runs.known == std::set<postgres::Timeline>{{5}});
        CHECK(runs.archived == std::set<std::string>{"00000002.history"});
        fs::rename(*found, restore.files.path("elsewhere"));
        CHECK(rejected_runs(layout).archived.empty());
        CHECK(rejected_runs(layout).known.size() == 1);
    }
    SECTION("not with another request") {
        auto other = restore.request;
        other.target = {Immediate{}};
        CHECK_FALSE(set_aside_by_patroni(other, layout));
    }
    SECTION("also under the name that Patroni 2.0 gives it") {
        const auto old_name = restore.files.path("data_2026-11-22-10-00-00");
        fs::rename(*found, old_name);
        CHECK(set_aside_by_patroni(restore.request, layout) == old_name);
    }
    SECTION("not what a person moved away") {
        for (const char* name : {"data.lost", "data_old", "data.failed.kept", "data_2026-11-22"}) {
            fs::rename(*found, restore.files.path(name));
            CHECK_FALSE(set_aside_by_patroni(restore.request, layout));
            fs::rename(restore.files.path(name), *found);
        }
    }
    SECTION("not another directory of that name") {
        fs::rename(*found, restore.files.path("elsewhere"));
        fs::create_directories(*found / "global");
        CHECK_FALSE(set_aside_by_patroni(restore.request, layout));
    }
}
