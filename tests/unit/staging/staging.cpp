#include "staging/staging.hpp"

#include "support/catch.hpp"
#include "support/restore.hpp"

#include <algorithm>
#include <unistd.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest;

namespace {

bool is_there(const fs::path& path) {
    return fs::symlink_status(path).type() != fs::file_type::not_found;
}

}  // namespace

TEST_CASE("a data directory that holds anything is refused, and stays as it is") {
    const Restore restore;
    restore.files.write("data/PG_VERSION", "15\n");
    CHECK(problems_of(ExitCode::unsafe, [&] { StagingDirectory{restore.request}; }) ==
          Problems{{"data directory " + restore.data().string() + " is not empty: PG_VERSION is in it",
                    "move it away yourself if it is not needed: nothing in it is ever overwritten"}});
    CHECK(restore.files.read("data/PG_VERSION") == "15\n");
    CHECK(system::entries(restore.files.path()) == std::vector<std::string>{"data"});
}

TEST_CASE("dotfiles and lost+found do not make a data directory one that is in use") {
    const Restore restore;
    restore.files.write("data/.snapshot/x", "x");
    fs::create_directory(restore.files.path("data/lost+found"));
    const StagingDirectory staging(restore.request);
    CHECK_FALSE(staging.earlier());
}

TEST_CASE("a staging directory without a journal is somebody else's") {
    const Restore restore;
    restore.files.write("data.restoring/PG_VERSION", "15\n");
    CHECK(problems_of(ExitCode::unsafe, [&] { StagingDirectory{restore.request}; }) ==
          Problems{
              {"staging directory " + restore.files.path("data.restoring").string() + " is not ours: it has no journal",
               "move it away yourself if it is not needed"}});
    CHECK(restore.files.read("data.restoring/PG_VERSION") == "15\n");
}

TEST_CASE("an empty staging directory belongs to nobody") {
    const Restore restore;
    fs::create_directory(restore.files.path("data.restoring"));
    CHECK_FALSE(StagingDirectory(restore.request).earlier());
}

TEST_CASE("a copy begins with a journal, and everything of it is for us alone") {
    const Restore restore;
    StagingDirectory staging(restore.request);
    staging.begin_copy(restore.request, restore.plan, {restore.files.path("ts1")});
    CHECK(staging.phase() == Phase::copying);
    CHECK(staging.outside() == std::vector<fs::path>{restore.files.path("ts1")});
    const auto journal = Journal::read(staging.layout().journal());
    REQUIRE(journal);
    CHECK(journal->request == identity_of(restore.request));
    CHECK(journal->backup_set == "20261122-090000F");
    CHECK(journal->system_identifier == "7710953412442782829");
    CHECK(journal->boot == boot_of({staging.path(), restore.files.path("ts1")}));
    CHECK(journal->phase == Phase::copying);
    for (const auto& directory : {staging.path(), staging.layout().workspace}) {
        CHECK((fs::status(directory).permissions() & fs::perms::all) == fs::perms::owner_all);
    }
    CHECK_FALSE(is_there(restore.data()));
}

TEST_CASE("the next run with the same request finds what the last one left") {
    const Restore restore;
    restore.interrupt(Phase::copied);
    const StagingDirectory next(restore.request);
    REQUIRE(next.earlier());
    CHECK(next.earlier()->phase == Phase::copied);
    CHECK(next.phase() == Phase::copied);
    CHECK(restore.files.read("data.restoring/PG_VERSION") == "15\n");
}

TEST_CASE("the next run with another request keeps the copy and starts over") {
    Restore restore;
    restore.interrupt(Phase::replaying);
    restore.request.target = {Immediate{}};
    StagingDirectory next(restore.request);
    CHECK_FALSE(next.earlier());
    next.begin_copy(restore.request, restore.plan, {});
    CHECK(next.phase() == Phase::copying);
    CHECK(restore.files.read("data.restoring/PG_VERSION") == "15\n");
}

TEST_CASE("a staging directory of another cluster is not continued") {
    Restore restore;
    restore.interrupt(Phase::copied);
    restore.plan.database.system_identifier = "1";
    StagingDirectory next(restore.request);
    CHECK(problems_of(ExitCode::unsafe, [&] { next.begin_copy(restore.request, restore.plan, {}); }) ==
          Problems{{"staging directory " + restore.files.path("data.restoring").string() +
                        " belongs to another cluster (system identifier 7710953412442782829, not 1)",
                    "move it away yourself if it is not needed"}});
}

TEST_CASE("a tablespace's or a link's target that holds anything is refused before the first copy") {
    const Restore restore;
    restore.files.write("ts1/somebody's", "x");
    fs::create_directory(restore.files.path("ts2"));
    StagingDirectory staging(restore.request);
    const std::vector<fs::path> outside{restore.files.path("ts2"), restore.files.path("ts1")};
    CHECK(
        problems_of(ExitCode::unsafe, [&] { staging.begin_copy(restore.request, restore.plan, outside); }) ==
        Problems{{restore.files.path("ts1").string() + " is not empty, and the backup has a tablespace or a link there",
                  "move what is in it away, or give the restore another place with tablespace-map or link-map"}});
    CHECK_FALSE(is_there(staging.layout().journal()));
    CHECK_FALSE(is_there(staging.path()));
    CHECK(restore.files.read("ts1/somebody's") == "x");
}

TEST_CASE("a tablespace's target that an earlier run of ours filled is continued, a new one is not") {
    const Restore restore;
    restore.interrupt(Phase::copying, {restore.files.path("ts1")});
    restore.files.write("ts1/PG_15/x", "half");
    restore.files.write("ts2/x", "x");
    StagingDirectory next(restore.request);
    next.begin_copy(restore.request, restore.plan, {restore.files.path("ts1")});
    CHECK(restore.files.read("ts1/PG_15/x") == "half");
    CHECK(problems_of(ExitCode::unsafe, [&] {
              next.begin_copy(restore.request, restore.plan, {restore.files.path("ts1"), restore.files.path("ts2")});
          }).size() == 1);
}

TEST_CASE("a tablespace's target is not ours any more when something else is mounted there") {
    const Restore restore;
    const auto place = restore.files.path("ts1");
    fs::create_directory(place);
    restore.interrupt(Phase::copying, {place});
    fs::rename(place, restore.files.path("hidden by the mount"));
    restore.files.write("ts1/PG_15/x", "somebody's");
    StagingDirectory next(restore.request);
    CHECK(problems_of(ExitCode::unsafe, [&] { next.begin_copy(restore.request, restore.plan, {place}); })
              .front()
              .message == place.string() + " is not empty, and the backup has a tablespace or a link there");
    fs::remove_all(place / "PG_15");
    next.begin_copy(restore.request, restore.plan, {place});
    restore.files.write("ts1/PG_15/x", "half");
    next.begin_copy(restore.request, restore.plan, {place});
    CHECK(restore.files.read("ts1/PG_15/x") == "half");
}

TEST_CASE("what was handed over belongs to its cluster, the tablespaces too") {
    const Restore restore;
    restore.interrupt(Phase::handed_over, {restore.files.path("ts1")});
    fs::remove_all(restore.files.path("data.restoring"));
    restore.files.write("ts1/PG_15/x", "in use");
    StagingDirectory next(restore.request);
    CHECK_FALSE(next.earlier());
    CHECK(problems_of(ExitCode::unsafe, [&] {
              next.begin_copy(restore.request, restore.plan, {restore.files.path("ts1")});
          }).size() == 1);
}

TEST_CASE("a damaged journal is refused, and what it protects stays") {
    const Restore restore;
    restore.interrupt(Phase::copied);
    restore.files.write("data.restoring.d/journal.json", "{");
    CHECK(problems_of(ExitCode::unsafe, [&] { StagingDirectory{restore.request}; }).size() == 1);
    CHECK(restore.files.read("data.restoring/PG_VERSION") == "15\n");
}

TEST_CASE("a symbolic link whose directory is lost is resolved as well") {
    const Restore restore;
    fs::create_directories(restore.files.path("disk"));
    fs::create_directory_symlink(restore.files.path("disk/pg"), restore.data());
    CHECK(choose_layout(restore.data()).staging == restore.files.path("disk/pg.restoring"));
    StagingDirectory staging(restore.request);
    restore.copy(staging);
    CHECK(problems_of(ExitCode::done, [&] { staging.hand_over(); }) == Problems{});
}

TEST_CASE("an interrupted hand-over whose data is nowhere is not finished, it is a new restore") {
    const Restore restore;
    restore.interrupt(Phase::handing_over);
    fs::rename(restore.files.path("data.restoring"), restore.data());
    fs::remove_all(restore.data());  // the cluster lived, and was lost again
    StagingDirectory next(restore.request);
    CHECK_FALSE((next.earlier() && next.earlier()->phase == Phase::handing_over));
}

TEST_CASE("an interrupted hand-over is not finished over somebody else's cluster") {
    const Restore restore;
    restore.files.write("data/.snapshot", "theirs");
    restore.interrupt(Phase::handing_over);
    restore.files.write("data/PG_VERSION", "14\n");
    restore.files.write("data/global/pg_control", "theirs");
    CHECK_FALSE(problems_of(ExitCode::unsafe, [&] { StagingDirectory(restore.request).hand_over(); }).empty());
    CHECK(restore.files.read("data/PG_VERSION") == "14\n");
}

TEST_CASE("the entry that makes a data directory one in use is named, not lost+found") {
    const Restore restore;
    restore.files.write("data/base/x", "x");
    fs::create_directory(restore.files.path("data/lost+found"));
    CHECK(problems_of(ExitCode::unsafe, [&] { StagingDirectory{restore.request}; })[0].message ==
          "data directory " + restore.data().string() + " is not empty: base is in it");
}

TEST_CASE("a source that was itself restored into a mount point has a journal in its backup, which goes") {
    const Restore restore;
    StagingDirectory staging(restore.request);
    restore.copy(staging);
    restore.files.write("data.restoring/.restoring.d/journal.json", "{}");
    staging.remove_inherited();
    CHECK_FALSE(is_there(staging.path() / ".restoring.d"));
    CHECK(is_there(staging.path() / "PG_VERSION"));
}
