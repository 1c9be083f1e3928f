#include "staging/places.hpp"

#include "support/catch.hpp"
#include "support/restore.hpp"

using namespace patroni_pgbackrest;

namespace {

/// Another directory lies there now, as after a mount, with somebody's tablespace in it.
void exchange(const Restore& restore, const std::string& name, const std::string& version) {
    fs::rename(restore.files.path(name), restore.files.path("hidden by the mount"));
    restore.files.write(name + "/" + version + "/x", "somebody's");
}

}  // namespace

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
    exchange(restore, "ts1", "PG_15");
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

TEST_CASE("the boot has an identifier that stays while the machine runs") {
    CHECK(boot_of({"/proc"}).size() == 36);
    CHECK(boot_of({"/tmp", "/tmp"}) == boot_of({"/tmp"}));
}

TEST_CASE("what a replay made is the journal's own, and is emptied before another copy") {
    const Restore restore;
    const auto restored = restore.files.path("ts1"), made = restore.files.path("made");
    restore.interrupt(Phase::replaying, {restored});
    restore.files.write("ts1/PG_15/x", "half");
    restore.files.write("made/PG_15_202209061/x", "of the WAL");
    restore.files.write("made/lost+found/x", "");
    note_made_place(restore.files.path("data.restoring"), made);
    StagingDirectory next(restore.request);
    next.begin_copy(restore.request, restore.plan, {restored});
    CHECK(restore.files.read("ts1/PG_15/x") == "half");
    CHECK_FALSE(is_there(made / "PG_15_202209061"));
    CHECK(is_there(made / "lost+found" / "x"));
    CHECK(made_places(next.path()).empty());
    CHECK(owned_places(next.journal()) == std::vector<std::string>{restored.string(), made.string()});
}

TEST_CASE("a place that was exchanged since is not emptied") {
    const Restore restore;
    const auto made = restore.files.path("made");
    fs::create_directory(made);
    restore.interrupt(Phase::replaying, {made});
    exchange(restore, "made", "PG_15_202209061");
    StagingDirectory next(restore.request);
    next.begin_copy(restore.request, restore.plan, {});
    CHECK(restore.files.read("made/PG_15_202209061/x") == "somebody's");
    CHECK(owned_places(next.journal()).empty());
}

TEST_CASE("a noted place that is another directory now is somebody's") {
    const Restore restore;
    const auto made = restore.files.path("made");
    fs::create_directory(made);
    restore.interrupt(Phase::replaying);
    note_made_place(restore.files.path("data.restoring"), made);
    exchange(restore, "made", "PG_15_202209061");
    StagingDirectory next(restore.request);
    next.begin_copy(restore.request, restore.plan, {});
    CHECK(restore.files.read("made/PG_15_202209061/x") == "somebody's");
    CHECK(next.journal().outside.empty());
}
