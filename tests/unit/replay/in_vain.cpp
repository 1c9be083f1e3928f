#include "replay/in_vain.hpp"

#include "replay/ticket.hpp"
#include "staging/memory.hpp"
#include "support/catch.hpp"
#include "support/restore.hpp"

using namespace patroni_pgbackrest;

namespace {

InVain earlier(unsigned hand_overs) {
    InVain found;
    found.directory = "/data.failed";
    found.same_circumstances = true;
    found.hand_overs = hand_overs;
    found.at = 1782123456;
    return found;
}

}  // namespace

TEST_CASE("what Patroni gave up twice in the same circumstances is not handed over a third time") {
    CHECK_FALSE(refuse_to_repeat(earlier(1), "/d/failure.json"));
    const auto failure = refuse_to_repeat(earlier(2), "/d/failure.json");
    REQUIRE(failure);
    CHECK(failure->code() == ExitCode::preflight_refused);
    CHECK(failure->is_lasting());
    CHECK(
        failure->problems() ==
        Problems{
            {"Patroni has set aside what it was handed over 2 times, and nothing has changed since: PostgreSQL did "
             "not come up",
             "look at what Patroni logged from 2026-06-22 10:17:36 UTC on, and change in patroni.yml or on this "
             "machine what it says; if that is no file, library or port that is named here, remove /d/failure.json"}});
    auto changed = earlier(7);
    changed.same_circumstances = false;
    CHECK_FALSE(refuse_to_repeat(changed, "/d/failure.json"));
}

TEST_CASE("the last words are part of the refusal") {
    auto found = earlier(2);
    found.came_up = true;
    found.last_words = "FATAL:  boom (/data.failed/log/postgresql.log)";
    CHECK(
        refuse_to_repeat(found, "/d/failure.json")
            ->problems()
            .front()
            .message.find(
                "PostgreSQL came up, and Patroni or its post_bootstrap gave it up: FATAL:  boom (/data.failed/log/") !=
        std::string::npos);
}

TEST_CASE("what the guard found to last is said at once, and what may pass never") {
    auto found = earlier(1);
    found.guard = Failure(ExitCode::replay_failed, "damaged", "repair it").lasting();
    REQUIRE(refuse_to_repeat(found, "/d/failure.json"));
    CHECK(refuse_to_repeat(found, "/d/failure.json")->code() == ExitCode::replay_failed);
    found.hand_overs = 0;  // somebody has cleared the refusal
    CHECK_FALSE(refuse_to_repeat(found, "/d/failure.json"));
    found.hand_overs = 9;
    found.guard = Failure(ExitCode::repository_unreachable, "out of reach", "bring it back");
    CHECK_FALSE(refuse_to_repeat(found, "/d/failure.json"));
}

TEST_CASE("what is seen of a directory that Patroni set aside") {
    const Rejected restore;
    restore.set_aside();
    auto journal = Journal::read(restore.layout.journal()).value();
    const auto look = [&] {
        return look_at_set_aside(restore.request, journal, restore.directory, circumstances_of(restore.request));
    };
    CHECK(look().same_circumstances);
    CHECK(look().hand_overs == 1);
    CHECK_FALSE(look().came_up);
    CHECK(look().last_words.empty());
    CHECK_FALSE(look().guard);
    SECTION("a server that came up and was stopped within the second in which it was handed over") {
        --journal.handed_over->redo.value().value;
        CHECK(look().came_up);
        journal.handed_over->redo.reset();  // an older journal
        CHECK_FALSE(look().came_up);
    }
    --journal.handed_over->control_written_at;
    CHECK(look().came_up);
    journal.circumstances = "patroni.yml of yesterday";
    CHECK_FALSE(look().same_circumstances);

    SECTION("with PostgreSQL's own log, where Patroni has told it to write") {
        restore.files.write("data.failed/log/postgresql.log", "LOG:  one\nFATAL:  two\nLOG:  three\n");
        CHECK(look().last_words == "FATAL:  two (" + (restore.directory / "log/postgresql.log").string() + ")");
        restore.files.write("data.failed/postgresql.conf", "log_directory = 'mine'\n");
        CHECK(look().last_words.empty());
        restore.files.write("data.failed/mine/a.log", "PANIC:  four\n");
        CHECK(look().last_words.starts_with("PANIC:  four"));
        journal.handed_over->at += 3600;  // it was written before
        CHECK(look().last_words.empty());
    }
    SECTION("with the guard's words") {
        ReplayNotes notes;
        notes.aborted_with = 7;
        notes.abort_message = "a record is damaged";
        notes.abort_hint = "repair it";
        notes.abort_lasts = true;
        notes.save(restore.directory);
        REQUIRE(look().guard);
        CHECK(look().guard->is_lasting());
        CHECK(look().guard->problems().front().message ==
              "Patroni's recovery of what it was handed over was aborted: a record is damaged");
    }
}

TEST_CASE("the last error of a log is found at the end of a long file, too") {
    const Files files;
    CHECK(last_error_in(files.path("nothing")).empty());
    const auto log = files.write("patroni.log", "2026-11-22 10:00:00,000 ERROR: first\n" + std::string(200000, 'x') +
                                                    "\n2026-11-22 10:00:01,000 ERROR: post_init failed\nTraceback\n");
    CHECK(last_error_in(log) == "2026-11-22 10:00:01,000 ERROR: post_init failed");
}
