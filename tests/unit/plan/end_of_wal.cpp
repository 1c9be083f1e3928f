#include "plan/end_of_wal.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;
using postgres::Lsn;
using postgres::Timeline;
using postgres::WalEnd;
using postgres::WalEndReason;

namespace {

Request nearest_to(const RecoveryTarget& target) {
    auto request = asking_for(target);
    request.nearest = true;
    return request;
}

}  // namespace

TEST_CASE("a time that no commit in the archive reaches is refused with the last commit") {
    const auto state = one_timeline();
    const Problems refused{
        {"the target time 2026-11-22 11:50:00+00 lies behind the last commit at 2026-11-22 11:50:00+00 (LSN 0/9001000, "
         "WAL segment 000000010000000000000009) on timeline 1: no record in the archive reaches it",
         "that commit is the end of what type lsn and target 0/9001000 brings; nearest: true means it with any target "
         "behind it, and type latest brings all there is"}};
    CHECK(no_plan(asking_for(time_target("2026-11-22 11:50:00Z")), state) == refused);
    CHECK(no_plan(asking_for(time_target("2026-11-22 11:49:59.999999Z")), state).empty());
    auto before = time_target("2026-11-22 11:50:00Z");
    before.exclusive = true;
    CHECK(no_plan(asking_for(before), state).empty());
    CHECK(no_plan(asking_for(lsn_target("0/9001000")), state).empty());
}

TEST_CASE("an abort behind the last commit is a place where a replay to a time ends") {
    auto state = one_timeline();
    wal_of(state).content[segment(1, 9)].latest_transaction_end = Time::parse("2026-11-22 11:55:00Z").value().at;
    CHECK(no_plan(asking_for(time_target("2026-11-22 11:52:00Z")), state).empty());
}

TEST_CASE("with nearest a target behind the last commit means the last commit") {
    const auto state = one_timeline();
    for (const auto& target : {time_target("2026-11-22 12:30:00Z"), lsn_target("0/B000000")}) {
        const auto planned = make_plan(nearest_to(target), state).target;
        CHECK(planned.is_latest());
        CHECK(planned.ends_with_plan);  // and not with what comes later
    }
    // The archive reaches it.
    CHECK(make_plan(nearest_to(lsn_target("0/9001000")), state).target.text() == "lsn 0/9001000");
    CHECK(make_plan(nearest_to(time_target("2026-11-22 11:30:00Z")), state).target.text() ==
          "time 2026-11-22 11:30:00+00");
    CHECK(make_plan(nearest_to(latest), state).target.is_latest());
    CHECK_FALSE(make_plan(nearest_to(latest), state).target.ends_with_plan);
}

TEST_CASE("without a commit behind the backup, its end is the last point") {
    auto state = one_timeline();
    wal_of(state).content.clear();
    wal_of(state).commit(1, 6, "2026-11-22 08:59:00Z", 0x80);  // before the backup's end
    const auto target = time_target("2026-11-22 09:30:00Z");
    CHECK(no_plan(asking_for(target), state) ==
          Problems{{"no transaction ended behind backup set 20261122-090000F on timeline 1: nothing in the archive "
                    "reaches the target time 2026-11-22 09:30:00+00",
                    "type latest brings all there is"}});
    CHECK(make_plan(nearest_to(target), state).target.is_latest());
    wal_of(state).content[segment(1, 8)].latest_transaction_end = Time::parse("2026-11-22 09:30:00Z").value().at;
    CHECK_FALSE(no_plan(asking_for(target), state).empty());
    CHECK(no_plan(asking_for(time_target("2026-11-22 09:29:59Z")), state).empty());  // an abort ends the replay there
}

TEST_CASE("a time is not refused when the search for the last commit gave up") {
    auto state = one_timeline();
    add_segments(state.archive, 1, 10, 10 + most_segments_to_search(segment_size));
    CHECK(no_plan(asking_for(time_target("2026-11-22 15:00:00Z")), state).empty());
}

TEST_CASE("zeros at the end of the last segment are the ordinary end of WAL") {
    auto state = one_timeline();
    auto& facts = wal_of(state).content[segment(1, 9)];
    facts.first_page.emplace();
    CHECK_FALSE(make_plan(asking_for(latest), state).wal_end);
    facts.end = WalEnd{.reason = WalEndReason::zeros, .valid_until = Lsn{0x9001040}, .at = Lsn{0x9001040}};
    CHECK(make_plan(asking_for(latest), state).wal_end == Lsn{0x9001040});
    CHECK_FALSE(make_plan(asking_for(lsn_target("0/9001000")), state).wal_end);
    // Behind the last record, though in the last segment.
    CHECK(no_plan(asking_for(lsn_target("0/9001040")), state) ==
          Problems{{"the archive ends at 0/9001040 (WAL segment 000000010000000000000009), before the target 0/9001040",
                    "a point before it is type lsn and target 0/9001000; type latest brings all there is"}});
    facts.end->more_behind = true;
    CHECK(
        no_plan(asking_for(latest), state, ExitCode::replay_failed) ==
        Problems{{"WAL segment 000000010000000000000009 is damaged: nothing was written at 0/9001040, and more of the "
                  "same WAL lies behind it",
                  "repair the segment in the repository, or ask for the last sound point: type lsn and target "
                  "0/9001000"}});
}

TEST_CASE("a record that goes on into the last segment is read from its beginning") {
    auto state = one_timeline();
    auto& last = wal_of(state).content[segment(1, 9)];
    last.first_page.emplace().continues = true;
    wal_of(state).commit(1, 8, "2026-11-22 11:40:00Z");
    auto& before = wal_of(state).content[segment(1, 8)];
    before.first_page.emplace();
    const auto end = [&] { return make_plan(asking_for(latest), state).wal_end; };
    CHECK_FALSE(end());
    // Its checksum is wrong.
    before.end = WalEnd{.reason = WalEndReason::wrong_checksum,
                        .valid_until = Lsn{0x8FFFF00},
                        .at = Lsn{0x8FFFF00},
                        .more_behind = true};
    CHECK(
        no_plan(asking_for(latest), state, ExitCode::replay_failed) ==
        Problems{{"WAL segment 000000010000000000000008 is damaged: the record at 0/8FFFF00 has a wrong checksum, and "
                  "more of the same WAL lies behind it",
                  "repair the segment in the repository, or ask for the last sound point: type lsn and target "
                  "0/8001000"}});
    CHECK(no_plan(asking_for(lsn_target("0/8001000")), state).empty());
    // Nothing lies behind it: a crash may have torn it.
    before.end->more_behind = false;
    last.end = WalEnd{.reason = WalEndReason::zeros, .valid_until = Lsn{0x9002000}, .at = Lsn{0x9002000}};
    CHECK(end() == Lsn{0x8FFFF00});
    // What was written after it never comes, be it in the last segment...
    before.end->reason = WalEndReason::zeros;
    before.end->at = Lsn{0x9002000};
    CHECK(end() == Lsn{0x8FFFF00});
    // ... or behind it.
    before.end->reason = WalEndReason::no_segment;
    before.end->at = Lsn{0xA000000};
    last.end.reset();
    CHECK(end() == Lsn{0x8FFFF00});
    // No crash leaves a hole in a segment that was left behind.
    before.end->reason = WalEndReason::wrong_length;
    before.end->at = Lsn{0x8FFFF00};
    CHECK(no_plan(asking_for(latest), state, ExitCode::replay_failed).size() == 1);
    // The record may be longer than a segment.
    before.first_page->continues = true;
    before.records = 0;
    before.end.reset();
    wal_of(state).content[segment(1, 7)].end =
        WalEnd{.reason = WalEndReason::wrong_length, .valid_until = Lsn{0x7FFFF00}, .at = Lsn{0x7FFFF00}};
    CHECK(no_plan(asking_for(latest), state, ExitCode::replay_failed).size() == 1);
}

TEST_CASE("what is no WAL at all is refused") {
    auto state = one_timeline();
    auto& facts = wal_of(state).content[segment(1, 9)];
    facts = {};
    facts.end = WalEnd{.reason = WalEndReason::not_a_page, .valid_until = Lsn{0x9000000}, .at = Lsn{0x9000000}};
    CHECK(no_plan(asking_for(latest), state, ExitCode::replay_failed).size() == 1);
}

TEST_CASE("a partial segment in which the followed timeline goes on is named") {
    auto state = one_timeline();
    state.archive.partials[segment(1, 10)] = {1, "archive/demo/15-1/0/" + segment(1, 10) + ".partial-0123.gz"};
    auto& facts = wal_of(state).content[segment(1, 10) + ".partial"];
    const auto start = Lsn{10 * segment_size.bytes};
    facts.end = WalEnd{.reason = WalEndReason::other_place, .valid_until = start, .at = start};
    CHECK(no_plan(asking_for(latest), state).empty());  // nothing was written into it
    facts.end->reason = WalEndReason::zeros;
    CHECK(no_plan(asking_for(latest), state).empty());
    facts.first_page.emplace().continues = true;  // it begins with the rest of a record
    CHECK(no_plan(asking_for(latest), state).size() == 1);
    facts.first_page->continues = false;
    facts.end->reason = WalEndReason::wrong_checksum;
    CHECK(no_plan(asking_for(latest), state).size() == 1);
    facts.records = 2;
    const auto refused = no_plan(asking_for(latest), state);
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].message ==
          "the end of timeline 1 is in the archive as " + segment(1, 10) + ".partial alone, which is never replayed");
    CHECK(refused[0].hint == "if the timeline that went on from there is lost, make a whole segment of it: pgbackrest "
                             "--repo=1 repo-get archive/demo/15-1/0/" +
                                 segment(1, 10) + ".partial-0123.gz | gunzip >/tmp/" + segment(1, 10) +
                                 " && pgbackrest --reset-pg1-host --reset-pg1-path --no-archive-async "
                                 "archive-push /tmp/" +
                                 segment(1, 10) + "; a point before it is type lsn and target 0/9001000");
    CHECK(no_plan(asking_for(time_target("2026-11-22 11:30:00Z")), state).empty());
    // A segment of that timeline is there, and so is what follows.
    add_segments(state.archive, 1, 10, 10);
    CHECK(no_plan(asking_for(latest), state).empty());
}
