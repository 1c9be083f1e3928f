#include "replay/made_places.hpp"

#include "support/catch.hpp"
#include "support/restore.hpp"
#include "system/text.hpp"

using namespace patroni_pgbackrest;

TEST_CASE("a place may be used that is empty, or that this restore filled") {
    CHECK_FALSE(judge_place("/ts", PlaceState::absent, false));
    CHECK_FALSE(judge_place("/ts", PlaceState::free, false));
    CHECK_FALSE(judge_place("/ts", PlaceState::filled, true));
    const auto filled = judge_place("/ts", PlaceState::filled, false);
    REQUIRE(filled);
    CHECK(filled->kind == GuardAnswer::Kind::abort);
    CHECK(filled->cause == ExitCode::unsafe);
    CHECK_FALSE(filled->lasts);
    CHECK(judge_place("/ts", PlaceState::foreign, true)->cause == ExitCode::replay_failed);
    CHECK(judge_place("/ts", PlaceState::foreign, true, "/data.restoring")->hint ==
          "chown --reference=/data.restoring /ts, then run it again: it goes on from here");
    const auto here = std::filesystem::current_path().string();
    CHECK(judge_place("/ts", PlaceState::foreign, true)->hint.find("--reference=" + system::shell_word(here) + " ") !=
          std::string::npos);
}

TEST_CASE("a rehearsal has the WAL make a tablespace nowhere but in its scratch directory") {
    Ticket ticket;
    CHECK_FALSE(refuse_outside_of_scratch(ticket, "/srv/ts1"));
    ticket.scratch = "/scratch";
    CHECK_FALSE(refuse_outside_of_scratch(ticket, "/scratch/tablespaces/ts1"));
    const auto refused = refuse_outside_of_scratch(ticket, "/scratch2/ts1");
    REQUIRE(refused);
    CHECK(refused->kind == GuardAnswer::Kind::abort);
    CHECK(refused->cause == ExitCode::unsafe);
    CHECK(refused->lasts);
    CHECK(refused->message == "the WAL makes a tablespace in /scratch2/ts1, and a rehearsal writes in /scratch alone");
    CHECK(Ticket::from_json([&] {
              ticket.archive_get = {"pgbackrest"};
              return ticket.to_json();
          }())
              .scratch == "/scratch");
}

TEST_CASE("a mount point's lost+found is no tablespace") {
    const Restore restore;
    const auto place = restore.files.path("ts");
    CHECK(state_of_place(place, 15) == PlaceState::absent);
    restore.files.write("ts/lost+found/x", "");
    restore.files.write("ts/PG_14_202107181/5/16391", "");
    CHECK(state_of_place(place, 15) == PlaceState::free);
    restore.files.write("ts/PG_15_202209061/5/16391", "");
    CHECK(state_of_place(place, 15) == PlaceState::filled);
    restore.files.write("file", "");
    CHECK(state_of_place(restore.files.path("file"), 15) == PlaceState::filled);
}

TEST_CASE("WAL of wal_level minimal is refused for good, with the last point before it") {
    const auto refused = refusal_of_minimal_wal(postgres::Lsn{0x5000110});
    CHECK(refused.kind == GuardAnswer::Kind::abort);
    CHECK(refused.cause == ExitCode::replay_failed);
    CHECK(refused.lasts);
    CHECK(refused.message.starts_with("behind 0/5000110 the WAL was written with wal_level minimal"));
    CHECK(refused.hint.starts_with("restore to the last point before it with type lsn and target 0/5000110;"));
}

TEST_CASE(
    "a database whose source the backup has as it was later is refused for good, with the sets that lead past it") {
    const auto copied = refusal_of_changed_source({postgres::Lsn{0x5000110}, 16401, 16400, 1663}, {0x6000000});
    CHECK(copied.kind == GuardAnswer::Kind::abort);
    CHECK(copied.cause == ExitCode::replay_failed);
    CHECK(copied.lasts);
    CHECK(copied.message.starts_with("at 0/5000110 the database with OID 16401 is copied file by file from that with "
                                     "OID 16400, which was changed or dropped before the backup ended at 0/6000000"));
    CHECK(copied.hint.starts_with("name an older backup set with set, one that ended before 0/5000110"));
    const auto moved = refusal_of_changed_source({postgres::Lsn{0x5000110}, 16400, 16400, 1663}, {0x6000000});
    CHECK(moved.message.starts_with("at 0/5000110 the database with OID 16400 is moved to another tablespace"));
}
