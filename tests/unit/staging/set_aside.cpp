#include "staging/set_aside.hpp"

#include "staging/staging.hpp"
#include "support/catch.hpp"
#include "support/restore.hpp"
#include "system/file.hpp"

#include <cstdlib>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest;

TEST_CASE("what Patroni set aside is known by its inode and cluster, and taken back with its links") {
    const Restore restore;
    const auto place = restore.files.path("ts1");
    {
        StagingDirectory staging(restore.request);
        staging.begin_copy(restore.request, restore.plan, {place});
        restore.copy(staging);
        fs::create_directories(place / "PG_15");
        fs::create_directories(staging.path() / "pg_tblspc");
        fs::create_directory_symlink(place, staging.path() / "pg_tblspc" / "16385");
        staging.hand_over();
    }
    const auto layout = choose_layout(restore.data());
    CHECK_FALSE(set_aside_by_patroni(restore.request, layout));
    // As Patroni does it: the tablespace, its link, then the data directory.
    const auto renamed = restore.files.path("ts1.failed");
    fs::rename(place, renamed);
    fs::remove(restore.data() / "pg_tblspc" / "16385");
    fs::create_directory_symlink(renamed, restore.data() / "pg_tblspc" / "16385");
    fs::rename(restore.data(), restore.files.path("data.failed"));
    fs::create_directory(restore.files.path("data.failed.older"));
    const auto found = set_aside_by_patroni(restore.request, layout);
    REQUIRE(found);
    CHECK(*found == restore.files.path("data.failed"));

    SECTION("only while nothing but its own has come into the archive since") {
        auto journal = Journal::read(layout.journal());
        journal->asked = Asked{restore.request.target, restore.plan.timeline(), restore.plan.wal.last(),
                               restore.plan.segment_size, false};
        journal->save(layout.journal());
        auto plan = restore.plan;
        const auto is_newest = [&] { return is_still_the_newest(restore.request, plan, layout, *found); };
        const postgres::Timeline first{1}, second{2};
        plan.archive_end.last_segments[first] = {restore.plan.wal.last(), 0};
        CHECK(is_newest());
        plan.archive_end.histories.insert(second);
        CHECK_FALSE(is_newest());
        restore.files.write("data.failed/pg_wal/archive_status/00000002.history.done", "");
        CHECK(is_newest());
        const auto now = journal->handed_over->at;
        plan.archive_end.last_segments[second] = {segment(2, 9), now};
        CHECK_FALSE(is_newest());
        restore.files.write("data.failed/pg_wal/archive_status/" + segment(2, 9) + ".ready", "");
        CHECK_FALSE(is_newest());
        restore.files.write("data.failed/pg_wal/archive_status/" + segment(2, 9) + ".done", "");
        CHECK(is_newest());
        plan.archive_end.last_segments[second] = {segment(2, 12), now - 3600};  // an older branch
        CHECK(is_newest());
        plan.archive_end.last_segments[first].name = segment(1, 40);
        CHECK_FALSE(is_newest());
        plan.archive_end.last_segments[first].name = restore.plan.wal.last();
        plan.backup.label = "20261122-100000F";
        CHECK_FALSE(is_newest());
    }
    SECTION("with the same request") {
        StagingDirectory staging(restore.request);
        staging.take_back(*found);
        CHECK(staging.hand_overs() == 1);
        CHECK(fs::exists(staging.path() / "PG_VERSION"));
        CHECK_FALSE(fs::exists(*found));
        CHECK(fs::read_symlink(staging.path() / "pg_tblspc" / "16385") == place);
        CHECK(fs::exists(place / "PG_15"));
        CHECK(Journal::read(layout.journal())->phase == Phase::copying);
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
    SECTION("and a tablespace's place that is taken is refused by name, every time, with nothing touched") {
        restore.files.write("ts1/somebody", "s");
        // A refusal that had changed the journal would let the next run clean somebody's place.
        for (int run = 0; run < 2; ++run) {
            REQUIRE(set_aside_by_patroni(restore.request, layout) == *found);
            StagingDirectory staging(restore.request);
            CHECK(problems_of(ExitCode::unsafe, [&] { staging.take_back(*found); }).front().message ==
                  renamed.string() + " cannot get its name " + place.string() + " back, which is taken");
        }
        CHECK(restore.files.read("ts1/somebody") == "s");
        CHECK(fs::exists(renamed / "PG_15"));
        CHECK(Journal::read(layout.journal())->phase == Phase::handed_over);
    }
    SECTION("a place that no link leads to is nobody's of ours any more") {
        const auto link = *found / "pg_tblspc" / "16385";
        fs::remove(link);
        fs::create_directory_symlink(restore.files.path("elsewhere"), link);
        restore.files.write("ts1/somebody", "s");
        StagingDirectory staging(restore.request);
        staging.take_back(*found);
        CHECK(staging.outside().empty());
        CHECK(problems_of(ExitCode::unsafe, [&] { staging.begin_copy(restore.request, restore.plan, {place}); })
                  .front()
                  .message == place.string() + " is not empty, and the backup has a tablespace or a link there");
    }
    SECTION("a tablespace whose own name looks like a rejected one keeps it") {
        const auto own = restore.files.path("ts1.failed");
        give_names_back(*found, {place.string(), own.string()});
        CHECK(fs::exists(own / "PG_15"));
        CHECK_FALSE(fs::exists(place));
        give_names_back(*found, {restore.files.path("ts").string(), restore.files.path("ts1.fail").string()});
        CHECK(fs::exists(own / "PG_15"));
    }
}

TEST_CASE("reuse-data has to be on the file system of the data directory") {
    const Restore restore;
    // No place is on another file system everywhere: the one that is, if any.
    const auto* const other = system::same_file_system(restore.files.path(), "/dev/shm") ? "/var/tmp" : "/dev/shm";
    const std::string before = std::getenv("TMPDIR") == nullptr ? "/tmp" : std::getenv("TMPDIR");
    ::setenv("TMPDIR", other, 1);
    const Files elsewhere;
    ::setenv("TMPDIR", before.c_str(), 1);
    elsewhere.write("old/global/pg_control", restore.control());
    StagingDirectory staging(restore.request);
    CHECK(problems_of(ExitCode::unsafe, [&] { staging.reuse(elsewhere.path("old"), restore.plan, {}); }) ==
          Problems{
              {"reuse-data " + elsewhere.path("old").string() + ": it is not on the file system of the data directory",
               "move it there, or leave reuse-data out: everything is copied from the repository then"}});
    CHECK(fs::exists(elsewhere.path("old/global/pg_control")));
    CHECK(staging.is_empty());
}
