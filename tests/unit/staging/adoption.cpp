#include "staging/adoption.hpp"

#include "staging/hand_over.hpp"
#include "staging/places.hpp"
#include "staging/rejected_directory.hpp"
#include "staging/set_aside.hpp"
#include "support/catch.hpp"
#include "support/restore.hpp"
#include "system/file.hpp"

#include <cstdlib>
#include <fstream>

using namespace patroni_pgbackrest;

namespace {

/// A directory `old` of the restore's cluster; the place of its tablespace.
fs::path make_old_with_tablespace(const Restore& restore) {
    auto place = restore.files.path("ts1");
    restore.files.write("old/global/pg_control", restore.control());
    restore.files.write("ts1/PG_15_202209061/5/16391", "rows");
    fs::create_directories(restore.files.path("old/pg_tblspc"));
    fs::create_directory_symlink(place, restore.files.path("old/pg_tblspc/16385"));
    return place;
}

}  // namespace

TEST_CASE("what Patroni set aside is taken back with its links") {
    const Rejected restore;
    const auto& layout = restore.layout;
    const auto& place = restore.place;
    const auto& renamed = restore.renamed;
    restore.set_aside();
    const auto found = set_aside_by_patroni(restore.request, layout);
    REQUIRE(found);

    SECTION("with the same request") {
        restore.files.write(found->filename().string() + "/patroni.dynamic.json", "of the Patroni that gave it up");
        restore.files.write(found->filename().string() + "/" + rejection_mark, "{}");
        StagingDirectory staging(restore.request);
        take_back(staging, *found, {});
        CHECK(staging.journal().hand_overs == 1);
        CHECK(fs::exists(staging.path() / "PG_VERSION"));
        CHECK_FALSE(fs::exists(*found));
        CHECK(fs::read_symlink(staging.path() / "pg_tblspc" / "16385") == place);
        CHECK(fs::exists(place / "PG_15"));
        CHECK_FALSE(fs::exists(staging.path() / "patroni.dynamic.json"));
        CHECK_FALSE(fs::exists(staging.path() / rejection_mark));
        CHECK(Journal::read(layout.journal())->phase == Phase::copying);
    }
    SECTION("with the rejected timelines of which this archive knows nothing") {
        const postgres::Timeline second{2}, third{3}, fourth{4};
        auto journal = Journal::read(layout.journal());
        journal->rejected_timelines = {{second, "of this archive, led since"}, {third, "of another repository"}};
        journal->save(layout.journal());
        auto plan = restore.plan;
        plan.archive_end.histories = {second, fourth};
        plan.rejected_timelines = {{fourth, "seen now"}};
        const pgbackrest::RejectedTimelines both{{third, "of another repository"}, {fourth, "seen now"}};
        {
            StagingDirectory staging(restore.request);
            take_back(staging, *found, plan);
            CHECK(Journal::read(layout.journal())->rejected_timelines == both);
            staging.begin_copy(restore.request, plan, {place});
            CHECK(Journal::read(layout.journal())->rejected_timelines == both);
        }
        plan.database.system_identifier = "7";
        CHECK(still_rejected(Journal::read(layout.journal()), plan) == plan.rejected_timelines);
    }
    SECTION("with one that the WAL made, which the journal does not know yet") {
        const auto made = restore.files.path("made"), made_renamed = restore.files.path("made.failed");
        restore.files.write("made/PG_15_202209061/5/16391", "rows");
        note_made_place(*found, made);
        fs::rename(made, made_renamed);
        fs::create_directory_symlink(made_renamed, *found / "pg_tblspc" / "16399");
        StagingDirectory staging(restore.request);
        take_back(staging, *found, {});
        CHECK(fs::exists(made / "PG_15_202209061"));
        CHECK(staging.journal().places.owned().paths() == std::vector<std::string>{place.string(), made.string()});
    }
    SECTION("and a tablespace's place that is taken is refused by name, every time, with nothing touched") {
        restore.files.write("ts1/somebody", "s");
        // A refusal that had changed the journal would let the next run clean somebody's place.
        for (int run = 0; run < 2; ++run) {
            REQUIRE(set_aside_by_patroni(restore.request, layout) == *found);
            StagingDirectory staging(restore.request);
            CHECK(problems_of(ExitCode::unsafe, [&] { take_back(staging, *found, {}); }).front().message ==
                  renamed.string() + " cannot get its name " + place.string() + " back, which is taken");
        }
        CHECK(restore.files.read("ts1/somebody") == "s");
        CHECK(fs::exists(renamed / "PG_15"));
        CHECK(Journal::read(layout.journal())->phase == Phase::handed_over);
    }
    SECTION("and what somebody has under another name as well is refused, with nothing touched") {
        const auto file = *found / "base" / "1" / "1259";
        const auto in_place = restore.files.write("ts1.failed/PG_15/16391", "rows");
        const auto kept = restore.files.path("kept");
        for (const auto& shared : {file, in_place}) {
            fs::create_hard_link(shared, kept);
            StagingDirectory staging(restore.request);
            const auto problems = problems_of(ExitCode::unsafe, [&] { take_back(staging, *found, {}); });
            REQUIRE(problems.size() == 1);
            CHECK(problems.front().message.starts_with(shared.string() + " has another name elsewhere (a hard link)"));
            CHECK(problems.front().hint.starts_with(
                "move " + found->string() + " away: the next run starts over; or make its files its own: find "));
            fs::remove(kept);
        }
        CHECK(fs::exists(*found / "PG_VERSION"));
        CHECK(fs::exists(renamed / "PG_15"));
        CHECK(Journal::read(layout.journal())->phase == Phase::handed_over);
    }
    SECTION("a place that no link leads to is nobody's of ours any more") {
        const auto link = *found / "pg_tblspc" / "16385";
        fs::remove(link);
        fs::create_directory_symlink(restore.files.path("elsewhere"), link);
        restore.files.write("ts1/somebody", "s");
        StagingDirectory staging(restore.request);
        take_back(staging, *found, {});
        CHECK(staging.journal().places.paths().empty());
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
    CHECK(problems_of(ExitCode::unsafe, [&] { reuse(staging, elsewhere.path("old"), restore.plan, {}, {}); }) ==
          Problems{
              {"reuse-data " + elsewhere.path("old").string() + ": it is not on the file system of the data directory",
               "move it there, or leave reuse-data out: everything is copied from the repository then"}});
    CHECK(fs::exists(elsewhere.path("old/global/pg_control")));
    CHECK(system::is_empty_or_absent(staging.path()));
}

TEST_CASE("reuse-data that is a symbolic link does not make the data directory one") {
    const Restore restore;
    restore.files.write("old/global/pg_control", restore.control());
    const auto link = restore.files.path("link");
    fs::create_directory_symlink(restore.files.path("old"), link);
    StagingDirectory staging(restore.request);
    for (const auto& named : {link, link / ""}) {
        const auto problem =
            problems_of(ExitCode::unsafe, [&] { reuse(staging, named, restore.plan, {}, {}); }).front();
        CHECK(problem.message == "reuse-data " + named.string() +
                                     ": it is a symbolic link, and only the link would be renamed: the data directory "
                                     "would be one then");
        CHECK(problem.hint == "name what it leads to, " + fs::canonical(restore.files.path("old")).string() +
                                  ", or leave reuse-data out");
    }
    CHECK(fs::is_symlink(link));
    reuse(staging, restore.files.path("old"), restore.plan, {}, {});  // as the hint says
    CHECK(is_there(staging.path() / "global" / "pg_control"));
}

TEST_CASE("reuse-data that somebody has under other names as well is not written to") {
    const Restore restore;
    const auto old = restore.files.path("old");
    restore.files.write("old/global/pg_control", restore.control());
    fs::create_hard_link(old / "global" / "pg_control", restore.files.path("kept"));
    StagingDirectory staging(restore.request);
    const auto problems = problems_of(ExitCode::unsafe, [&] { reuse(staging, old, restore.plan, {}, {}); });
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().message == "reuse-data " + old.string() + ": " + (old / "global" / "pg_control").string() +
                                          " has another name elsewhere (a hard link), under which it would be changed "
                                          "as well");
    CHECK(problems.front().hint.starts_with("leave reuse-data out; or make its files its own: find "));
    CHECK(fs::exists(old));
    fs::remove(restore.files.path("kept"));
    reuse(staging, old, restore.plan, {}, {});
    CHECK_FALSE(fs::exists(old));
}

TEST_CASE("reuse-data in which a server writes that is not seen here is left alone") {
    const Restore restore;
    const auto old = restore.files.path("old");
    restore.files.write("old/global/pg_control", restore.control());
    restore.files.write("old/postmaster.pid", "1\n");
    StagingDirectory staging(restore.request);
    {
        const auto file = restore.files.write("old/base/5/1259", "rows");
        const std::ofstream writer(file, std::ios::app);
        const auto problems = problems_of(ExitCode::unsafe, [&] { reuse(staging, old, restore.plan, {}, {}); });
        REQUIRE(problems.size() == 1);
        CHECK(problems.front().message.starts_with("reuse-data " + old.string() + ": " + file.string() +
                                                   " is open for writing"));
        CHECK(fs::exists(old / "postmaster.pid"));
    }
    reuse(staging, old, restore.plan, {}, {});
    CHECK_FALSE(fs::exists(old));
}

TEST_CASE("reuse-data whose links lead elsewhere is taken only with what is named") {
    const Restore restore;
    const auto place = make_old_with_tablespace(restore);
    StagingDirectory staging(restore.request);
    const auto reuse_with = [&](const std::vector<pgbackrest::Option>& options) {
        reuse(staging, restore.files.path("old"), restore.plan, {place}, options);
    };
    const std::string what = "reuse-data " + restore.files.path("old").string() + ": a link of it leads to " +
                             place.string() + ", and what is there would be overwritten";
    CHECK(problems_of(ExitCode::unsafe, [&] { reuse_with({}); }).front().message == what);
    CHECK(problems_of(ExitCode::unsafe,
                      [&] {
                          reuse_with({{"tablespace-map", "ts1=/other"}});
                      })
              .front()
              .message == what);
    CHECK(fs::exists(restore.files.path("old")));
    reuse_with({{"tablespace-map", "ts1=" + place.string()}});
    CHECK(staging.journal().places.paths() == std::vector<std::string>{place.string()});
    CHECK_FALSE(fs::exists(restore.files.path("old")));
}

TEST_CASE("what reuse-data has become is this cluster's, with its tablespaces, when the run ends before the copy") {
    const Restore restore;
    const auto place = make_old_with_tablespace(restore);
    {
        StagingDirectory staging(restore.request);
        reuse(staging, restore.files.path("old"), restore.plan, {place}, {{"tablespace-map", "ts1=" + place.string()}});
    }
    StagingDirectory staging(restore.request);
    auto other = restore.plan;
    other.database.system_identifier = "7";
    const auto problems = problems_of(ExitCode::unsafe, [&] { staging.begin_copy(restore.request, other, {place}); });
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().message.find(" belongs to another cluster ") != std::string::npos);
    staging.begin_copy(restore.request, restore.plan, {place});
    CHECK(staging.journal().places.paths() == std::vector<std::string>{place.string()});
    CHECK(restore.files.read("ts1/PG_15_202209061/5/16391") == "rows");
}
