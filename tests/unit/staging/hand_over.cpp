#include "staging/hand_over.hpp"

#include "support/catch.hpp"
#include "support/restore.hpp"
#include "system/owner.hpp"

#include <unistd.h>

using namespace patroni_pgbackrest;

namespace {

using Names = std::vector<std::string>;

bool is_whole(const Restore& restore) {
    return restore.files.read("data/PG_VERSION") == "15\n" && restore.files.read("data/base/1/1259") == "pages" &&
           restore.files.read("data/global/pg_control") == restore.control();
}

/// A hand-over beside somebody's dotfile that ended after its first entry.
void interrupt_half_way(const Restore& restore) {
    restore.files.write("data/.snapshot", "theirs");
    restore.interrupt(Phase::handing_over);
    fs::rename(restore.files.path("data.restoring/PG_VERSION"), restore.files.path("data/PG_VERSION"));
}

/// Calls that do what they should until the one of this number, and all behind it too if `lasting`.
HandOverCalls failing_at(unsigned number, bool lasting, unsigned& count) {
    const auto fails = [number, lasting, &count] { return ++count == number || (lasting && count > number); };
    HandOverCalls calls;
    calls.rename = [fails](const fs::path& from, const fs::path& to) {
        return fails() ? std::make_error_code(std::errc::io_error) : HandOverCalls::rename_entry(from, to);
    };
    calls.sync = [fails](const fs::path& directory) {
        if (fails()) {
            throw Failure(ExitCode::system_refused, "cannot sync " + directory.string(), "");
        }
        system::sync_directory(directory);
    };
    calls.enter = [fails](StagingDirectory& staging, Phase phase) {
        if (fails()) {
            throw Failure(ExitCode::system_refused, "cannot write the journal", "");
        }
        HandOverCalls::enter_phase(staging, phase);
    };
    return calls;
}

/// Everything is recovered, and in the data directory something of somebody's is in the way of one single rename.
void arrange(const Restore& restore, bool entry_by_entry) {
    if (entry_by_entry) {
        restore.files.write("data/.snapshot", "theirs");
    }
    restore.interrupt(Phase::recovered);
}

Problem problem_of_hand_over(const Restore& restore, unsigned number, bool lasting) {
    StagingDirectory staging(restore.request);
    unsigned count = 0;
    const auto problems =
        problems_of(ExitCode::system_refused, [&] { hand_over(staging, failing_at(number, lasting, count)); });
    REQUIRE(problems.size() == 1);
    return problems.front();
}

/// PG_VERSION, base, the directory, global, the directory, its parent; or the one rename, and the parent; the journal.
unsigned calls_of_hand_over(bool entry_by_entry) {
    return entry_by_entry ? 7 : 3;
}

/// What a run does that finds this.
void run_again(const Restore& restore) {
    undo_hand_over(choose_layout(restore.data()));
    StagingDirectory next(restore.request);
    hand_over(next);
    CHECK(is_whole(restore));
    CHECK_FALSE(fs::exists(restore.files.path("data.restoring")));
    CHECK(restore.journalled() == Phase::handed_over);
}

void run(const Restore& restore) {
    StagingDirectory staging(restore.request);
    restore.copy(staging);
    fs::create_directories(staging.layout().spool());
    fs::create_directories(staging.layout().workspace / "pgbackrest-lock");
    hand_over(staging);
    CHECK(staging.journal().phase == Phase::handed_over);
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
    CHECK(restore.journalled() == Phase::handed_over);
    CHECK((fs::status(restore.data()).permissions() & fs::perms::all) == fs::perms::owner_all);
}

TEST_CASE("in a data directory only the journal stays, also where a kill left a status that was being written") {
    if (::geteuid() == 0) {
        return;  // root may write beside it
    }
    const Restore restore;
    restore.files.write("data/.restoring.d/status.json", "{}");
    restore.files.write("data/.restoring.d/status.json.new", "{");
    fs::permissions(restore.files.path(), fs::perms::owner_read | fs::perms::owner_exec);
    {
        StagingDirectory staging(restore.request);
        CHECK(staging.layout().inside);
        restore.copy(staging);
        hand_over(staging);
    }
    fs::permissions(restore.files.path(), fs::perms::owner_all);
    CHECK(system::entries(restore.files.path("data/.restoring.d")) == Names{"journal.json"});
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
    CHECK(problems_of(ExitCode::unsafe, [&] { hand_over(staging); }) ==
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
    hand_over(next);
    CHECK(is_whole(restore));
    CHECK_FALSE(fs::exists(restore.files.path("data.restoring")));
    CHECK(restore.journalled() == Phase::handed_over);
}

TEST_CASE("whichever call of a hand-over fails, all of it is back in staging at once, and the next run hands it over") {
    const bool entry_by_entry = GENERATE(false, true);
    for (unsigned number = 1; number <= calls_of_hand_over(entry_by_entry); ++number) {
        CAPTURE(entry_by_entry, number);
        const Restore restore;
        fs::create_directory(restore.data());
        arrange(restore, entry_by_entry);
        const auto problem = problem_of_hand_over(restore, number, false);
        CHECK(problem.message.find("; and") == std::string::npos);
        CHECK(system::entries(restore.data()) == (entry_by_entry ? Names{".snapshot"} : Names{}));
        CHECK(system::entries(restore.files.path("data.restoring")) == Names{"PG_VERSION", "base", "global"});
        // Where nothing had been moved, the journal says what it did when the hand-over began.
        CHECK(restore.journalled() == (number == 1 ? Phase::handing_over : Phase::recovered));
        run_again(restore);
    }
}

TEST_CASE("whichever call of a hand-over fails for good, both failures are told, and the next run goes on from there") {
    const bool entry_by_entry = GENERATE(false, true);
    for (unsigned number = 2; number <= calls_of_hand_over(entry_by_entry); ++number) {
        CAPTURE(entry_by_entry, number);
        const Restore restore;
        arrange(restore, entry_by_entry);
        const auto problem = problem_of_hand_over(restore, number, true);
        CHECK(problem.message.find("; and what was in place could not go back: " + restore.data().string()) !=
              std::string::npos);
        CHECK(problem.hint == "remove the cause of both and run it again: the next run goes on from there");
        CHECK(restore.journalled() == Phase::handing_over);
        run_again(restore);
    }
}

TEST_CASE("what went back behind the journal's last word is handed over by the next run") {
    for (const bool entry_by_entry : {false, true}) {
        CAPTURE(entry_by_entry);
        const Restore restore;
        arrange(restore, entry_by_entry);
        const auto journal = restore.files.path("data.restoring.d/journal.json");
        {
            StagingDirectory staging(restore.request);
            HandOverCalls calls;
            calls.enter = [&](StagingDirectory& entered, Phase phase) {
                HandOverCalls::enter_phase(entered, phase);
                throw Failure(ExitCode::system_refused, "cannot sync the journal's directory", "");
            };
            CHECK_THROWS_AS(hand_over(staging, calls), Failure);
            staging.journal().phase = Phase::handed_over;  // as if nothing more could be written
            staging.journal().handed_over = HandedOver::of(restore.files.path("data.restoring"));
            staging.journal().save(journal);
        }
        run_again(restore);
        CHECK(is_whole(restore));
    }
}

TEST_CASE("what PostgreSQL was started in since the hand-over is not taken for what went back") {
    const Restore restore;
    arrange(restore, false);
    {
        StagingDirectory staging(restore.request);
        hand_over(staging);
    }
    const auto layout = choose_layout(restore.data());
    fs::rename(restore.data(), layout.staging);
    const auto journal = Journal::read(layout.journal()).value();
    REQUIRE(journal.phase == Phase::handed_over);
    CHECK(journal.went_back_to(layout.staging));
    auto control = restore.control();
    control[24] = 1;  // its time, which each start changes; in the very same file
    restore.files.write("data.restoring/global/pg_control", control);
    CHECK_FALSE(journal.went_back_to(layout.staging));
    CHECK(problems_of(ExitCode::unsafe, [&] { StagingDirectory{restore.request}; }).size() == 1);
    CHECK(restore.files.read("data.restoring/global/pg_control") == control);
}

TEST_CASE("wherever the way back of a hand-over ends, the next run goes on from there") {
    const bool entry_by_entry = GENERATE(false, true);
    const auto forth = calls_of_hand_over(entry_by_entry);
    for (unsigned number = 1; number <= forth; ++number) {  // the same renames, and as many directories or fewer
        CAPTURE(entry_by_entry, number);
        const Restore restore;
        arrange(restore, entry_by_entry);
        {
            StagingDirectory staging(restore.request);
            unsigned count = 0, back = 0;
            auto calls = failing_at(forth, false, count);
            const auto later = failing_at(number, true, back);
            calls.rename = [rename = calls.rename, later, &count, forth](const fs::path& from, const fs::path& to) {
                return count < forth ? rename(from, to) : later.rename(from, to);
            };
            calls.sync = [sync = calls.sync, later, &count, forth](const fs::path& directory) {
                return count < forth ? sync(directory) : later.sync(directory);
            };
            CHECK_FALSE(problems_of(ExitCode::system_refused, [&] { hand_over(staging, calls); }).empty());
        }
        const auto layout = choose_layout(restore.data());
        if (hand_over_is_done(layout)) {
            CHECK(number == 1);
            finish_hand_over(restore.request);
            CHECK(is_whole(restore));
            CHECK(restore.journalled() == Phase::handed_over);
        } else {
            run_again(restore);
        }
    }
}

TEST_CASE("after a flush that failed the copy is whole no longer, and the next run checks it against the backup") {
    const Restore restore;
    StagingDirectory staging(restore.request);
    restore.copy(staging);
    staging.enter(Phase::recovered);
    sync_for_hand_over(staging);
    CHECK(restore.journalled() == Phase::recovered);
    staging.journal().base = KeptBase{};
    staging.journal().places = Places(std::vector<std::string>{"/dev/null"});  // which fsync refuses
    CHECK(problems_of(ExitCode::system_refused, [&] { sync_for_hand_over(staging); }).front().message ==
          "cannot sync /dev/null: Invalid argument");
    CHECK(restore.journalled() == Phase::copying);
    CHECK_FALSE(Journal::read(staging.layout().journal())->base);
    CHECK_FALSE(is_there(staging.path() / "global" / "pg_control"));
    CHECK(restore.files.read("data.restoring/base/1/1259") == "pages");
}

TEST_CASE("after a flush that failed at the look for what is to be flushed the copy is not believed either") {
    const Restore restore;
    StagingDirectory staging(restore.request);
    restore.copy(staging);
    staging.enter(Phase::recovered);
    staging.journal().base = KeptBase{};
    const auto loop = restore.files.path("loop");
    fs::create_symlink(loop, loop);
    staging.journal().places = Places(std::vector<std::string>{loop.string()});
    CHECK_THROWS_AS(sync_for_hand_over(staging), fs::filesystem_error);  // main() tells it as exit code 11
    CHECK(restore.journalled() == Phase::copying);
    CHECK_FALSE(Journal::read(staging.layout().journal())->base);
    CHECK_FALSE(is_there(staging.path() / "global" / "pg_control"));
}

TEST_CASE("an entry that cannot be renamed leaves the data directory as it was") {
    if (::geteuid() == 0) {
        FAIL("root may rename anything: run this as another user");
    }
    const Restore restore;
    restore.files.write("data/.snapshot", "theirs");
    restore.interrupt(Phase::recovered);
    const auto base = restore.files.path("data.restoring/base");
    fs::permissions(base, fs::perms::owner_read | fs::perms::owner_exec);  // its `..` cannot be changed
    {
        StagingDirectory staging(restore.request);
        CHECK(problems_of(ExitCode::system_refused, [&] { hand_over(staging); }) ==
              Problems{{"cannot rename " + base.string() + " to " + restore.files.path("data/base").string() +
                            ": Permission denied",
                        "let " + system::own_user().user + " write to " + base.string() + ": it belongs to " +
                            system::own_user().user + " and has mode 0500"}});
    }
    CHECK(system::entries(restore.data()) == Names{".snapshot"});
    CHECK(restore.files.read("data.restoring/PG_VERSION") == "15\n");
    CHECK(restore.journalled() == Phase::recovered);
    fs::permissions(base, fs::perms::owner_all);
    run_again(restore);
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

TEST_CASE("what is in the way back of a hand-over is refused by name") {
    const Restore restore;
    interrupt_half_way(restore);
    restore.files.write("data/base/x", "theirs");
    CHECK(problems_of(ExitCode::unsafe, [&] { undo_hand_over(choose_layout(restore.data())); }).front().message ==
          restore.files.path("data/base").string() + " cannot go back to " +
              restore.files.path("data.restoring").string() + ": File exists");
    CHECK(restore.files.read("data/base/x") == "theirs");
}

TEST_CASE("the entry without which nothing starts goes last, and the one that says it is whole first") {
    CHECK(in_order_of_hand_over({"base", "global", "PG_VERSION", "pg_wal"}) ==
          Names{"PG_VERSION", "base", "pg_wal", "global"});
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
    CHECK_FALSE(problems_of(ExitCode::unsafe, [&] { finish_hand_over(restore.request); }).empty());
    CHECK(restore.files.read("data/PG_VERSION") == "14\n");
}

TEST_CASE("what somebody put where staging should have gone is not what was restored") {
    const Restore restore;
    const auto layout = choose_layout(restore.data());
    const auto control = restore.data() / "global" / "pg_control";
    {
        StagingDirectory staging(restore.request);
        restore.copy(staging);
        hand_over(staging);
        staging.enter(Phase::handing_over);  // killed before it wrote that down
    }
    CHECK(hand_over_is_done(layout));
    fs::copy_file(control, restore.files.path("another"));
    fs::rename(restore.files.path("another"), control);
    CHECK_FALSE(hand_over_is_done(layout));
    auto older = Journal::read(layout.journal()).value();
    older.control_inode = 0;
    older.save(layout.journal());
    CHECK(hand_over_is_done(layout));
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
    CHECK(restore.journalled() == Phase::handing_over);
}

TEST_CASE("but what was corrected in pgBackRest's files meanwhile comes too late for it") {
    Restore restore;
    restore.request.restore_options.push_back({"tablespace-map-all", "/srv/mistaken"});
    restore.request.configured.push_back({"tablespace-map-all", {"/srv/mistaken"}, "pgbackrest.conf:1", true});
    restore.files.write("data/.snapshot", "theirs");
    record_bootstrap_call(restore.request, choose_layout(restore.data()), patronis_call(restore.request));
    restore.interrupt(Phase::handing_over);
    for (const std::string name : {"PG_VERSION", "base", "global"}) {
        fs::rename(restore.files.path("data.restoring/" + name), restore.files.path("data/" + name));
    }
    restore.request.restore_options.front().value = "/srv/corrected";
    finish_hand_over(restore.request);
    CHECK(restore.journalled() == Phase::handed_over);
    CHECK(is_whole(restore));
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
