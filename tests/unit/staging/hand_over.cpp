#include "staging/staging.hpp"

#include "support/catch.hpp"
#include "support/restore.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest;

namespace {

using Names = std::vector<std::string>;

bool is_whole(const Restore& restore) {
    return restore.files.read("data/PG_VERSION") == "15\n" && restore.files.read("data/base/1/1259") == "pages" &&
           restore.files.read("data/global/pg_control") == restore.control();
}

Phase journalled(const Restore& restore) {
    return Journal::read(restore.files.path("data.restoring.d/journal.json")).value().phase;
}

/// A hand-over beside somebody's dotfile that ended after its first entry.
void interrupt_half_way(const Restore& restore) {
    restore.files.write("data/.snapshot", "theirs");
    restore.interrupt(Phase::handing_over);
    fs::rename(restore.files.path("data.restoring/PG_VERSION"), restore.files.path("data/PG_VERSION"));
}

void run(const Restore& restore) {
    StagingDirectory staging(restore.request);
    restore.copy(staging);
    fs::create_directories(staging.layout().spool());
    fs::create_directories(staging.layout().workspace / "pgbackrest-lock");
    staging.hand_over();
    CHECK(staging.phase() == Phase::handed_over);
}

}  // namespace

TEST_CASE("staging becomes the data directory by one rename, and only the journal and the lock stay beside it") {
    const Restore restore;
    bool exists = false;
    SECTION("where there is none") {}
    SECTION("where there is an empty one") {
        fs::create_directory(restore.data());
        exists = true;
    }
    CAPTURE(exists);
    run(restore);
    CHECK(is_whole(restore));
    CHECK(system::entries(restore.files.path()) == Names{"data", "data.restoring.d"});
    CHECK(system::entries(restore.files.path("data.restoring.d")) == Names{"journal.json", "lock"});
    CHECK(journalled(restore) == Phase::handed_over);
    CHECK((fs::status(restore.data()).permissions() & fs::perms::all) == fs::perms::owner_all);
}

TEST_CASE("behind a symbolic link the directory itself is replaced, and the link stays") {
    const Restore restore;
    fs::create_directories(restore.files.path("disk/pg"));
    fs::create_directory_symlink("disk/pg", restore.data());
    run(restore);
    CHECK(fs::is_symlink(restore.data()));
    CHECK(is_whole(restore));
    CHECK(system::entries(restore.files.path("disk")) == Names{"pg", "pg.restoring.d"});
}

TEST_CASE("beside dotfiles and lost+found the entries are moved one by one, and those stay") {
    const Restore restore;
    restore.files.write("data/.snapshot", "theirs");
    fs::create_directory(restore.files.path("data/lost+found"));
    fs::permissions(restore.data(), fs::perms::all);
    run(restore);
    CHECK(is_whole(restore));
    CHECK(system::entries(restore.data()) == Names{".snapshot", "PG_VERSION", "base", "global", "lost+found"});
    CHECK(restore.files.read("data/.snapshot") == "theirs");
    CHECK_FALSE(fs::exists(restore.files.path("data.restoring")));
    CHECK((fs::status(restore.data()).permissions() & fs::perms::all) == fs::perms::owner_all);
}

TEST_CASE("what came into the data directory meanwhile is not touched, and the restored data is kept") {
    const Restore restore;
    restore.files.write("data/.snapshot", "theirs");
    StagingDirectory staging(restore.request);
    restore.copy(staging);
    restore.files.write("data/base/x", "theirs");
    CHECK(problems_of(ExitCode::unsafe, [&] { staging.hand_over(); }) ==
          Problems{{"data directory " + restore.data().string() + " is not empty: base is in it",
                    "move it away yourself if it is not needed: nothing in it is ever overwritten"}});
    CHECK(restore.files.read("data/base/x") == "theirs");
    CHECK_FALSE(fs::exists(restore.data() / "global"));
    CHECK(fs::exists(staging.path() / "global" / "pg_control"));
}

TEST_CASE("an interrupted hand-over is finished by the next run") {
    const Restore restore;
    SECTION("before the rename") {
        restore.interrupt(Phase::handing_over);
    }
    SECTION("after the rename") {
        restore.interrupt(Phase::handing_over);
        fs::rename(restore.files.path("data.restoring"), restore.data());
    }
    SECTION("between two entries") {
        interrupt_half_way(restore);
        undo_hand_over(choose_layout(restore.data()));
        CHECK(system::entries(restore.data()) == Names{".snapshot"});
        CHECK(restore.files.read("data.restoring/PG_VERSION") == "15\n");
    }
    SECTION("after the last entry") {
        restore.files.write("data/.snapshot", "theirs");
        restore.interrupt(Phase::handing_over);
        for (const std::string name : {"PG_VERSION", "base", "global"}) {
            fs::rename(restore.files.path("data.restoring/" + name), restore.files.path("data/" + name));
        }
    }
    StagingDirectory next(restore.request);
    REQUIRE(next.earlier());
    REQUIRE(next.earlier()->phase == Phase::handing_over);
    next.hand_over();
    CHECK(is_whole(restore));
    CHECK_FALSE(fs::exists(restore.files.path("data.restoring")));
    CHECK(journalled(restore) == Phase::handed_over);
}

TEST_CASE("a hand-over that Patroni has set half of aside is neither finished nor undone") {
    const Restore restore;
    interrupt_half_way(restore);
    fs::rename(restore.data(), restore.files.path("data.failed"));
    const auto layout = choose_layout(restore.data());
    CHECK_FALSE(hand_over_is_done(layout));
    undo_hand_over(layout);
    CHECK_FALSE(fs::exists(restore.files.path("data.restoring/PG_VERSION")));
    CHECK_FALSE(fs::exists(restore.data()));
}

TEST_CASE("a bootstrap that begins is not the one that was given up") {
    const Restore restore;
    restore.interrupt(Phase::copied);
    const auto layout = choose_layout(restore.data());
    const auto given_up = [&] { return Journal::read(layout.journal())->given_up; };
    begin_anew(restore.request, layout);
    CHECK_FALSE(given_up());
    auto journal = Journal::read(layout.journal()).value();
    journal.given_up = true;
    journal.save(layout.journal());
    begin_anew(restore.request, layout);
    CHECK_FALSE(given_up());
    CHECK(journalled(restore) == Phase::copied);
}

TEST_CASE("a bootstrap that only planned is known, and leaves nothing to go on with") {
    const Restore restore;
    const auto layout = choose_layout(restore.data());
    begin_anew(restore.request, layout);
    const auto journal = Journal::read(layout.journal()).value();
    CHECK(journal.last().request == identity_of(restore.request));
    StagingDirectory staging(restore.request);
    CHECK_FALSE(staging.earlier());
    restore.copy(staging);
    CHECK(Journal::read(layout.journal())->backup_set == restore.plan.backup.label);
}

TEST_CASE("a plan that failed leaves nothing in a data directory that a replica may need empty") {
    const Restore restore;
    restore.files.write("data/.snapshot", "theirs");
    fs::permissions(restore.files.path(), fs::perms::owner_read | fs::perms::owner_exec);
    const auto layout = choose_layout(restore.data());
    begin_anew(restore.request, layout);
    const bool was_there = fs::exists(layout.journal());
    give_up_plan(layout);
    fs::permissions(restore.files.path(), fs::perms::owner_all);
    REQUIRE(layout.inside);
    CHECK(was_there);
    CHECK(system::entries(restore.data()) == Names{".snapshot"});
}

TEST_CASE("a bootstrap that begins after a hand-over is under way until it does something") {
    const Restore restore;
    run(restore);
    const auto layout = choose_layout(restore.data());
    CHECK(problems_of(ExitCode::unsafe, [&] { begin_anew(restore.request, layout); }).size() == 1);
    fs::rename(restore.data(), restore.files.path("data.failed"));
    begin_anew(restore.request, layout);
    const auto journal = Journal::read(layout.journal()).value();
    CHECK(journal.begun);
    CHECK(journal.phase == Phase::handed_over);
    CHECK(journal.handed_over_is(restore.files.path("data.failed")));
    StagingDirectory staging(restore.request);
    restore.copy(staging);
    CHECK_FALSE(Journal::read(layout.journal())->begun);
}

TEST_CASE("what is in the way back of a hand-over is refused by name") {
    const Restore restore;
    interrupt_half_way(restore);
    restore.files.write("data/base/x", "theirs");
    CHECK(problems_of(ExitCode::unsafe, [&] { undo_hand_over(choose_layout(restore.data())); }).front().message ==
          restore.files.path("data/base").string() + " cannot go back to " +
              restore.files.path("data.restoring").string() + ": File exists");
    CHECK(restore.files.read("data/base/x") == "theirs");
}

TEST_CASE("another request does not finish an interrupted hand-over") {
    Restore restore;
    restore.files.write("data/.snapshot", "theirs");
    restore.interrupt(Phase::handing_over);
    for (const std::string name : {"PG_VERSION", "base", "global"}) {
        fs::rename(restore.files.path("data.restoring/" + name), restore.files.path("data/" + name));
    }
    const auto first = identity_of(restore.request);
    restore.request.target = {Immediate{}};
    CHECK(problems_of(ExitCode::unsafe, [&] { StagingDirectory{restore.request}; }) ==
          Problems{{"an earlier restore with another request was interrupted while its data went to " +
                        restore.data().string() + ": " + first,
                    "run it again with that request, or move the data directory and the staging directory away"}});
    CHECK(journalled(restore) == Phase::handing_over);
}

TEST_CASE("the entry without which nothing starts goes last, and the one that says it is whole first") {
    CHECK(in_order_of_hand_over({"base", "global", "PG_VERSION", "pg_wal"}) ==
          Names{"PG_VERSION", "base", "pg_wal", "global"});
}

TEST_CASE("what was handed over is known again by its inode and its cluster") {
    const Restore restore;
    run(restore);
    const auto journal = Journal::read(restore.files.path("data.restoring.d/journal.json")).value();
    CHECK(journal.handed_over_is(restore.data()));
    fs::rename(restore.data(), restore.files.path("data.failed"));
    CHECK_FALSE(journal.handed_over_is(restore.data()));
    CHECK(journal.handed_over_is(restore.files.path("data.failed")));
    restore.files.write("data.failed/global/pg_control", std::string(80, 'x'));
    CHECK_FALSE(journal.handed_over_is(restore.files.path("data.failed")));
}

TEST_CASE("after a hand-over the filled data directory is refused like any other") {
    const Restore restore;
    run(restore);
    CHECK(problems_of(ExitCode::unsafe, [&] { StagingDirectory{restore.request}; }).size() == 1);
    CHECK(is_whole(restore));
}

TEST_CASE("after a hand-over and the loss of the cluster the next restore starts over") {
    const Restore restore;
    run(restore);
    fs::remove_all(restore.data());
    const StagingDirectory next(restore.request);
    CHECK_FALSE(next.earlier());
}
