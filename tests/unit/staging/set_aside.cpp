#include "staging/set_aside.hpp"

#include "staging/hand_over.hpp"
#include "staging/staging.hpp"
#include "support/catch.hpp"
#include "support/restore.hpp"

#include <chrono>
#include <set>

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
        plan.rejected_timelines = {{second, ""}};
        CHECK(is_newest());
        const auto now = journal->handed_over->at;
        plan.archive_end.last_segments[second] = {segment(2, 9), now};
        CHECK(is_newest());
        plan.rejected_timelines.clear();
        CHECK_FALSE(is_newest());
        plan.archive_end.last_segments[second] = {segment(2, 12), now - 3600};  // an older branch
        CHECK(is_newest());
        journal->followed = plan.history.text();
        journal->reached = Reached{{3}, {0x7000158}, "no recovery target specified", std::nullopt};
        journal->save(layout.journal());
        CHECK(is_newest());
        const auto planned = plan.history;
        plan.history = postgres::TimelineHistory::parse(second, "1\t0/7000158\tno recovery target specified\n");
        CHECK_FALSE(is_newest());  // however old its files say they are: a copy of the repository keeps their times
        plan.history = planned;
        CHECK(is_newest());
        plan.archive_end.histories.insert(postgres::Timeline{3});
        plan.archive_end.last_segments[postgres::Timeline{3}] = {segment(3, 12), now - 3600};
        CHECK_FALSE(is_newest());  // the number that was handed over is another's now
        plan.archive_end.histories.erase(postgres::Timeline{3});
        plan.archive_end.last_segments.erase(postgres::Timeline{3});
        CHECK(is_newest());
        plan.archive_end.last_segments[first].name = segment(1, 40);
        CHECK_FALSE(is_newest());
        plan.archive_end.last_segments[first].name = restore.plan.wal.last();
        CHECK(is_newest());
        auto other = restore.request;  // what nearest means hangs on the WAL that there is
        other.target.ends_with_plan = true;
        CHECK_FALSE(is_still_the_newest(other, plan, layout));
        plan.backup.label = "20261122-100000F";
        CHECK_FALSE(is_newest());
    }
    SECTION("with what it has archived itself, whatever the request is") {
        auto journal = Journal::read(layout.journal());
        journal->goal = RestoreGoal{restore.request.target, restore.plan.timeline(), restore.plan.wal.last(),
                                    restore.plan.segment_size, false};
        journal->rejected_timelines = {{postgres::Timeline{5}, "abc"}};
        journal->save(layout.journal());
        for (const std::string history : {"00000001.history", "00000002.history", "00000003.history"}) {
            restore.files.write("data.failed/pg_wal/" + history, "1\t0/7000158\tno recovery target specified\n");
        }
        restore.files.write("data.failed/pg_wal/archive_status/00000001.history.done", "");
        restore.files.write("data.failed/pg_wal/archive_status/00000002.history.done", "");
        restore.files.write("data.failed/pg_wal/archive_status/00000003.history.ready", "");
        restore.files.write("data.failed/pg_wal/" + segment(2, 9), "abc");
        auto other = restore.request;
        other.target = {Immediate{}};
        const auto runs = rejected_runs(other, layout);
        CHECK(runs.system_identifier == restore.plan.database.system_identifier);
        CHECK(runs.known == pgbackrest::RejectedTimelines{{{5}, "abc"}});
        REQUIRE(runs.histories.size() == 2);
        CHECK(runs.histories.begin()->first == postgres::Timeline{2});
        CHECK(runs.unproven == std::set<postgres::Timeline>{{3}});
        CHECK(runs.checksum(segment(2, 9)) == "a9993e364706816aba3e25717850c26c9cd0d89d");
        CHECK(runs.checksum(segment(2, 10)).empty());
        fs::rename(*found, restore.files.path("elsewhere"));
        CHECK(rejected_runs(other, layout).histories.empty());
        CHECK(rejected_runs(other, layout).known.size() == 1);
    }
    SECTION("and once it is noted, also when the directory is gone") {
        auto journal = Journal::read(layout.journal());
        journal->goal = RestoreGoal{restore.request.target, restore.plan.timeline(), restore.plan.wal.last(),
                                    restore.plan.segment_size, false};
        journal->save(layout.journal());
        restore.files.write("data.failed/pg_wal/00000002.history", "1\t0/7000158\tno recovery target specified\n");
        restore.files.write("data.failed/pg_wal/archive_status/00000002.history.done", "");
        note_rejected_runs({}, layout);
        CHECK(rejected_runs(restore.request, layout).known.empty());  // no WAL of it tells whose it is
        for (const int last : {8, 9}) {
            restore.files.write("data.failed/pg_wal/" + segment(2, last), last == 9 ? "abc" : "ab");
            restore.files.write("data.failed/pg_wal/archive_status/" + segment(2, last) + ".done", "");
        }
        restore.files.write("data.failed/pg_wal/" + segment(2, 10), "abcd");
        note_rejected_runs({}, layout);
        fs::remove_all(*found);
        CHECK(rejected_runs(restore.request, layout).known ==
              pgbackrest::RejectedTimelines{{{2}, "a9993e364706816aba3e25717850c26c9cd0d89d"}});
    }
    SECTION("but in its place only while nobody can have used it, whatever the journal says of it") {
        fs::rename(*found, restore.data());
        auto journal = Journal::read(layout.journal());
        journal->goal = RestoreGoal{restore.request.target, restore.plan.timeline(), restore.plan.wal.last(),
                                    restore.plan.segment_size, false};
        journal->not_accepted = true;
        journal->reached = Reached{{2}, {}, "", std::nullopt};
        journal->handed_over->control_written_at = 1;  // it was started
        journal->rejected_timelines = {{postgres::Timeline{5}, "abc"}};
        const auto refused_at = [&](std::int64_t handed_over_at) {
            journal->handed_over->at = handed_over_at;  // pg_control was written last at 0
            journal->save(layout.journal());
            note_rejected_runs({}, layout);
            return Journal::read(layout.journal())->rejected_timelines;
        };
        restore.files.write("data/pg_wal/00000002.history", "1\t0/7000158\tno recovery target specified\n");
        restore.files.write("data/pg_wal/archive_status/00000002.history.done", "");
        restore.files.write("data/pg_wal/" + segment(2, 9), "abc");
        restore.files.write("data/pg_wal/archive_status/" + segment(2, 9) + ".done", "");
        restore.files.write("data/pg_hba.conf", "local\treplication\treplicator\t\ttrust\n");
        const std::string checksum = "a9993e364706816aba3e25717850c26c9cd0d89d";
        const pgbackrest::RejectedTimelines earlier{{{5}, "abc"}};
        const pgbackrest::RejectedTimelines both{{{2}, checksum}, {{5}, "abc"}};
        CHECK(refused_at(-60) == both);
        CHECK(refused_at(-20 * 3600) == earlier);  // the initialize key went after a day: it has led
        journal->rejected_timelines = both;        // a person started it past resume
        CHECK(refused_at(-20 * 3600) == earlier);
        journal->rejected = Rejection{"probe 1 returned 'false'", "", 0, -60};  // after hours of post_bootstrap
        CHECK(refused_at(-20 * 3600) == both);
        journal->rejected->at = -19 * 3600;
        CHECK(refused_at(-20 * 3600) == earlier);
        journal->rejected.reset();
        restore.files.write("data/pg_hba.conf", "local all all peer\n");
        CHECK(refused_at(-60) == earlier);
    }
    SECTION("and the journal is written only where that says something new") {
        const auto written = fs::last_write_time(layout.journal());
        fs::rename(*found, restore.data());
        note_rejected_runs({}, layout);
        CHECK(fs::last_write_time(layout.journal()) == written);
    }
    SECTION("in patroni mode after hours of replay, as long as its recovery has not ended, and an hour longer") {
        auto journal = Journal::read(layout.journal());
        journal->goal = RestoreGoal{restore.request.target, restore.plan.timeline(), restore.plan.wal.last(),
                                    restore.plan.segment_size, false};
        journal->handed_over->control_written_at = 1;  // it was started
        journal->handed_over->at = -7200;              // two hours before pg_control was written last
        journal->save(layout.journal());
        restore.files.write("data.failed/pg_hba.conf", "local\treplication\treplicator\t\ttrust\n");
        CHECK(set_aside_by_patroni(restore.request, layout) == restore.directory);
        restore.files.write("data.failed/pg_wal/00000002.history", "1\t0/7000158\tno recovery target specified\n");
        CHECK(set_aside_by_patroni(restore.request, layout) == restore.directory);
        const auto history = restore.directory / "pg_wal" / "00000002.history";
        fs::last_write_time(history,
                            fs::file_time_type::clock::from_sys(std::chrono::system_clock::from_time_t(-3600)));
        CHECK_FALSE(set_aside_by_patroni(restore.request, layout));
        journal->reached = Reached{{2}, {}, "", std::nullopt};  // in standalone mode it was replayed before
        journal->save(layout.journal());
        fs::remove(history);
        CHECK_FALSE(set_aside_by_patroni(restore.request, layout));
    }
    SECTION("one that came up only with the pg_hba.conf of a bootstrap: else it led, and a person moved it") {
        auto journal = Journal::read(layout.journal());
        --journal->handed_over->control_written_at;
        journal->save(layout.journal());
        CHECK_FALSE(set_aside_by_patroni(restore.request, layout));
        restore.files.write("data.failed/pg_hba.conf", "local all all peer\nlocal replication all trust\n");
        CHECK_FALSE(set_aside_by_patroni(restore.request, layout));
        restore.files.write("data.failed/pg_hba.conf", "# by Patroni\nlocal\treplication\treplicator\t\ttrust\n"
                                                       "local\tall\tpostgres\t\ttrust\n");
        CHECK(set_aside_by_patroni(restore.request, layout) == restore.directory);
        auto with_file = restore.request;
        with_file.patroni = patroni::Configuration{};
        with_file.patroni->hba_file = patroni::Value{"/etc/pg_hba.conf", "patroni.yml:1"};
        restore.files.write("data.failed/postgresql.conf", "hba_file = '/srv/data/pg_hba.conf'\n");
        CHECK(set_aside_by_patroni(with_file, layout) == restore.directory);
        restore.files.write("data.failed/postgresql.conf", "hba_file = '/etc/pg_hba.conf'\n");
        CHECK_FALSE(set_aside_by_patroni(with_file, layout));
    }
    SECTION("and where nothing proves which of both it is, nothing begins until a person has said it by a name") {
        CHECK_FALSE(why_unclear({}, layout));
        auto journal = Journal::read(layout.journal());
        --journal->handed_over->control_written_at;
        journal->save(layout.journal());
        restore.files.write("data.failed/pg_hba.conf", "local all all peer\n");
        const auto failure = why_unclear({}, layout);
        REQUIRE(failure);
        CHECK(failure->code() == ExitCode::unsafe);
        const auto failed = restore.directory.string();
        const auto data = layout.data_directory.string();
        CHECK(failure->problems().front().message.starts_with(
            failed + " was handed over by an earlier run, and PostgreSQL came up in it: nothing proves whether Patroni "
                     "gave it up behind its post_bootstrap or it led"));
        CHECK(failure->problems().front().hint.ends_with("Patroni gave it up: mv -T " + failed + " " + data +
                                                         ".given-up; if it led, and its rows are wanted: mv -T " +
                                                         failed + " " + data + ".led; then start Patroni again"));
        CHECK(rejected_runs(restore.request, layout).histories.empty());

        const fs::path given_up = data + ".given-up", led = data + ".led";
        fs::rename(restore.directory, given_up);
        CHECK_FALSE(why_unclear({}, layout));
        CHECK(set_aside_by_patroni(restore.request, layout) == given_up);
        CHECK(leftovers_of(layout) == std::vector<fs::path>{given_up});
        fs::rename(given_up, led);
        CHECK_FALSE(why_unclear({}, layout));
        CHECK_FALSE(set_aside_by_patroni(restore.request, layout));

        fs::rename(led, restore.directory);
        journal->handed_over->at = -86399;  // pg_control was written last at 0
        journal->save(layout.journal());
        CHECK(why_unclear({}, layout));
        --journal->handed_over->at;  // longer than any post_bootstrap takes
        journal->save(layout.journal());
        CHECK_FALSE(why_unclear({}, layout));
        CHECK_FALSE(set_aside_by_patroni(restore.request, layout));
    }
    SECTION("and what a person says was given up is known by its content, where a mount point's was moved to") {
        restore.files.write("data.failed/pg_wal/00000002.history", "1\t0/7000158\tno recovery target specified\n");
        restore.files.write("data.failed/pg_hba.conf", "local all all peer\n");
        auto journal = Journal::read(layout.journal());
        --journal->handed_over->control_written_at;  // it came up
        journal->begun_timeline = BegunTimeline{{2}, *end_of_recovery(restore.directory, {2})};
        journal->save(layout.journal());
        const auto hidden = restore.data() / ".given-up";
        for (const auto& place : {hidden, restore.files.path("data.given-up")}) {
            fs::create_directories(place);
            for (const auto& entry : system::entries(restore.directory)) {
                fs::copy(restore.directory / entry, place / entry,
                         fs::copy_options::recursive | fs::copy_options::copy_symlinks);
            }
            fs::last_write_time(place / "pg_wal" / "00000002.history",
                                fs::last_write_time(restore.directory / "pg_wal" / "00000002.history"));
        }
        fs::rename(restore.directory, restore.files.path("elsewhere"));
        CHECK(set_aside_by_patroni(restore.request, layout) == restore.files.path("data.given-up"));
        fs::remove_all(restore.files.path("data.given-up"));
        CHECK(set_aside_by_patroni(restore.request, layout) == hidden);
        fs::remove(hidden / "pg_wal" / "00000002.history");
        CHECK_FALSE(set_aside_by_patroni(restore.request, layout));
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
