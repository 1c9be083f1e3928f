#include "plan/reachability.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;
using postgres::Lsn;

namespace {

/// From the newest backup set, whatever the target.
Request from_newest(const RecoveryTarget& target) {
    auto request = asking_for(target);
    request.backup_set = "20261122-090000F";
    return request;
}

}  // namespace

TEST_CASE("a gap in the backup's own segments is refused") {
    auto state = one_timeline();
    remove_segment(state.archive, segment(1, 6));
    for (const auto& target : {latest, RecoveryTarget{Immediate{}}, RecoveryTarget{Xid{748}}}) {
        CHECK(no_plan(from_newest(target), state) ==
              Problems{{"WAL segment 000000010000000000000006 is missing from the archive, and backup set "
                        "20261122-090000F cannot be made consistent without it",
                        "choose another backup set with set"}});
    }
}

TEST_CASE("a gap behind the backup refuses a restore to the latest point, with the nearest one") {
    auto state = one_timeline();
    remove_segment(state.archive, segment(1, 7));
    CHECK(no_plan(asking_for(latest), state) ==
          Problems{{"WAL segment 000000010000000000000007 is missing from the archive: what comes after it cannot be "
                    "replayed",
                    "bring it back, use a newer backup set, or ask for a point before it: the end of backup set "
                    "20261122-090000F (type immediate)"}});
    remove_segment(state.archive, segment(1, 8));
    CHECK(no_plan(asking_for(latest), state)[0].message ==
          "WAL segment 000000010000000000000007 to 000000010000000000000008 is missing from the archive: what comes "
          "after it cannot be replayed");
}

TEST_CASE("the point that the refusal of a gap names can be planned") {
    auto state = one_timeline();
    remove_segment(state.archive, segment(1, 8));
    CHECK(no_plan(asking_for(latest), state)[0].hint ==
          "bring it back, use a newer backup set, or ask for a point before it: type lsn and target 0/7000000");
    CHECK(make_plan(asking_for(lsn_target("0/7000000")), state).wal.last() == segment(1, 7));
}

TEST_CASE("a gap before an LSN target is refused, one behind it is not needed") {
    auto state = one_timeline();
    remove_segment(state.archive, segment(1, 7));
    CHECK(no_plan(asking_for(lsn_target("0/8000028")), state) ==
          Problems{{"WAL segment 000000010000000000000007 is missing from the archive, before the target 0/8000028",
                    "a point before it is the end of backup set 20261122-090000F (type immediate)"}});
    CHECK(no_plan(asking_for(lsn_target("0/6500000")), state).empty());
}

TEST_CASE("a gap that a time, a transaction or a name may lie before is left to the replay") {
    auto state = one_timeline();
    remove_segment(state.archive, segment(1, 8));
    for (const auto& target :
         {time_target("2026-11-22 09:30:00Z"), RecoveryTarget{Xid{748}}, RecoveryTarget{Name{"x"}}}) {
        const auto plan = make_plan(from_newest(target), state);
        CHECK(plan.wal.missing == std::vector<std::string>{segment(1, 8)});
        CHECK(plan.wal.contains(segment(1, 8)));
    }
}

TEST_CASE("a transaction of another epoch is refused, since PostgreSQL would stop at one with its last 32 bits") {
    constexpr std::uint64_t epoch = 1ULL << 32U;
    auto state = one_timeline();
    const auto refusal = [&](std::uint64_t number) { return no_plan(from_newest(RecoveryTarget{Xid{number}}), state); };
    CHECK(refusal(epoch + 748).empty());  // no checkpoint can be read
    postgres::Checkpoint checkpoint;
    checkpoint.next_xid = 5 * epoch + 1000;
    wal_of(state).content[segment(1, 8)].last_checkpoint =
        postgres::FoundAt<postgres::Checkpoint>{Lsn{}, Lsn{}, checkpoint};
    CHECK(refusal(748).empty());
    CHECK(refusal(5 * epoch + 748).empty());
    CHECK(refusal(5 * epoch + 2000).empty());
    CHECK(refusal(5 * epoch + epoch / 2 + 2000).empty());  // of much WAL
    CHECK(refusal(5 * epoch - 1).empty());                 // it was running when the epoch began
    CHECK(refusal(6 * epoch + 748).size() == 1);
    CHECK(
        refusal(4 * epoch + 748) ==
        Problems{{"the target xid 17179869932 is of epoch 4, and the WAL of timeline 1 begins near xid 21474837480, of "
                  "epoch 5: PostgreSQL compares the last 32 bits alone, and would stop at another transaction 748",
                  "give the number that pg_current_xact_id() returned in this cluster; if the transaction 748 of "
                  "this WAL is meant, give that"}});
}

TEST_CASE("an LSN target behind the archive's end is refused with the nearest point") {
    CHECK(no_plan(asking_for(lsn_target("0/A000001")), one_timeline()) ==
          Problems{{"the archive ends at 0/A000000 (WAL segment 000000010000000000000009), before the target 0/A000001",
                    "a point before it is type lsn and target 0/9001000; type latest brings all there is"}});
    // PostgreSQL ends at a record that begins there or behind it, and there is none.
    CHECK(no_plan(asking_for(lsn_target("0/A000000")), one_timeline()).size() == 1);
    CHECK(no_plan(asking_for(lsn_target("0/9001008")), one_timeline()).size() == 1);
    CHECK(no_plan(asking_for(lsn_target("0/9001000")), one_timeline()).empty());
}

TEST_CASE("behind the last record of a segment an LSN is reached in a later one") {
    auto state = one_timeline();
    wal_of(state).commit(1, 7, "2026-11-22 10:00:00Z");
    const auto planned_to = [&](const std::string& lsn) {
        const auto plan = make_plan(asking_for(lsn_target(lsn)), state);
        CHECK(plan.target.text() == "lsn " + lsn);
        return plan.wal.last();
    };
    CHECK(planned_to("0/7001000") == segment(1, 7));
    CHECK(planned_to("0/7001008") == segment(1, 8));
    auto nearest = asking_for(lsn_target("0/7001008"));
    nearest.nearest = true;
    CHECK(make_plan(nearest, state).target.text() == "lsn 0/7001008");
    // A damaged record is told before the copy.
    auto& facts = wal_of(state).content[segment(1, 7)];
    facts.first_page.emplace();
    facts.end = postgres::WalEnd{.reason = postgres::WalEndReason::wrong_checksum,
                                 .valid_until = Lsn{0x7001040},
                                 .at = Lsn{0x7001040},
                                 .more_behind = true};
    CHECK(no_plan(nearest, state, ExitCode::replay_failed).size() == 1);
    facts.end.reset();
    // Segment 8 is the middle of a record.
    wal_of(state).content[segment(1, 8)].first_page.emplace().continues = true;
    CHECK(planned_to("0/7001008") == segment(1, 9));
    CHECK(planned_to("0/8000028") == segment(1, 9));
    remove_segment(state.archive, segment(1, 8));
    for (const bool is_nearest : {false, true}) {
        nearest.nearest = is_nearest;
        CHECK(
            no_plan(nearest, state) ==
            Problems{{"WAL segment 000000010000000000000008 is missing from the archive, with the first record behind "
                      "the target 0/7001008",
                      "a point before it is type lsn and target 0/7001000"}});
    }
}

TEST_CASE("the record that an LSN is reached with is planned to its end") {
    auto state = one_timeline();
    const auto planned_to = [&] { return make_plan(asking_for(lsn_target("0/7001000")), state).wal.last(); };
    wal_of(state).commit(1, 7, "2026-11-22 10:00:00Z");
    auto& records = wal_of(state).records[segment(1, 7)];
    records = {{Lsn{0x7001000}, Lsn{0x7001040}}, {Lsn{0x7002000}, Lsn{0x8000100}}};
    CHECK(planned_to() == segment(1, 7));
    records = {{Lsn{0x7001000}, Lsn{0x8000000}}};
    CHECK(planned_to() == segment(1, 7));
    records = {{Lsn{0x7001000}, Lsn{0x8000100}}};
    CHECK(planned_to() == segment(1, 8));
    records = {{Lsn{0x7001000}, Lsn{0x9000001}}};
    CHECK(planned_to() == segment(1, 9));
    // Where it ends there is nothing else: a segment that was saved from the dead primary.
    wal_of(state).content[segment(1, 8)].first_page.emplace().continues = true;
    wal_of(state).content[segment(1, 9)] = wal_of(state).content[segment(1, 8)];
    CHECK(planned_to() == segment(1, 9));
}

TEST_CASE("an LSN behind the last record of the last segment is refused with that record") {
    auto state = one_timeline();
    const std::string hint = "a point before it is type lsn and target 0/9001000; type latest brings all there is";
    const auto refused = [&] { return no_plan(asking_for(lsn_target("0/9001008")), state); };
    const std::string has = "the archive has its last record ";
    CHECK(refused() == Problems{{has + "at 0/9001000 (WAL segment 000000010000000000000009), before the target "
                                       "0/9001008",
                                 hint}});
    // The target is inside of that record.
    wal_of(state).content[segment(1, 9)].first_page.emplace();
    wal_of(state).content[segment(1, 9)].end =
        postgres::WalEnd{.reason = postgres::WalEndReason::zeros, .valid_until = Lsn{0x9001040}, .at = Lsn{0x9001040}};
    CHECK(refused().size() == 1);
    // It never ends.
    add_segments(state.archive, 1, 10, 10);
    wal_of(state).content[segment(1, 10)].first_page.emplace().continues = true;
    wal_of(state).content[segment(1, 9)].end = postgres::WalEnd{
        .reason = postgres::WalEndReason::no_segment, .valid_until = Lsn{0x9001040}, .at = Lsn{0xB000000}};
    CHECK(refused()[0].message == has + "before 0/A000000 (WAL segment 00000001000000000000000A), before the target "
                                        "0/9001008");
}
