#include "plan/timeline_choice.hpp"

#include "plan/branches.hpp"
#include "support/archives.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;
using postgres::Lsn;
using postgres::Timeline;

namespace {

/// The second backup of two_timelines(), which ends before the fork.
TimelineChoice choice(const RecoveryTarget& target, const std::optional<TimelineWish>& wish = std::nullopt,
                      RepositoryState state = two_timelines()) {
    Request request;
    request.target = target;
    request.timeline = wish;
    const auto& backup = state.stanza.backups[1];
    return choose_timeline(request, backup, state.stanza.backups, state.archive, *state.wal, segment_size);
}

/// Of timeline 2 nothing but its history, which tells this fork, is in the archive.
RepositoryState with_history_alone(Lsn fork) {
    auto state = two_timelines();
    const Timeline second{2};
    remove_segments(state.archive, [](const auto& name) { return name.starts_with("00000002"); });
    state.archive.last_segments.erase(second);
    state.archive.histories[second].forks[0].at = fork;
    return state;
}

TimelineWish number(std::uint32_t timeline) {
    return TimelineWish{Timeline{timeline}};
}

}  // namespace

TEST_CASE("without a wish the newest timeline that descends from the backup is followed") {
    for (const auto& target : {latest, RecoveryTarget{Xid{748}}, RecoveryTarget{Name{"x"}}, lsn_target("0/7000028")}) {
        const auto chosen = choice(target);
        CHECK(chosen.history.timeline.number == 2);
        CHECK(chosen.newest);
        CHECK(chosen.reason == "the newest that descends from backup set 20261122-090000F");
    }
    const auto alone = choice(latest, std::nullopt, one_timeline());
    CHECK(alone.history.timeline.number == 1);
    CHECK(alone.history.forks.empty());
    CHECK(alone.newest);
    CHECK(alone.reason == "the backup's own, and no newer one descends from it");
}

TEST_CASE("a newer timeline that left before the backup ended is not followed, and the choice is not the newest") {
    auto state = two_timelines();
    state.archive.histories[Timeline{2}].forks[0].at = Lsn{0x6000000};
    wal_of(state).content.erase(segment(2, 10));  // it has no commit of its own
    const auto chosen = choice(latest, std::nullopt, state);
    CHECK(chosen.history.timeline.number == 1);
    CHECK_FALSE(chosen.newest);
    CHECK(choice(time_target("2026-11-22 12:20:00Z"), std::nullopt, state).history.timeline.number == 1);
}

TEST_CASE("a cluster that went on from an older backup is not given up for the abandoned branch") {
    auto state = two_timelines();
    const Lsn fork{0x4000000};
    state.archive.histories[Timeline{2}].forks[0].at = fork;
    add_segments(state.archive, 2, 4, 6);
    wal_of(state).begin(2, 1, fork, "2026-11-22 12:00:00Z");
    const Problems refused{
        {"backup set 20261122-090000F is not part of the past of timeline 2, which was begun at "
         "2026-11-22 12:00:00+00 and has commits of its own: one of timelines 1 and 2 was abandoned",
         "to follow timeline 2, say set: 20261122-080000F; for what this backup set leads to, say target-timeline: 1"}};
    for (const auto& target : {latest, time_target("2026-11-22 12:00:00Z")}) {
        CHECK(problems_of(ExitCode::target_not_reachable, [&] { choice(target, std::nullopt, state); }) == refused);
        CHECK(choice(target, number(1), state).history.timeline.number == 1);
    }
    // It was not yet begun.
    CHECK(choice(time_target("2026-11-22 11:59:00Z"), std::nullopt, state).history.timeline.number == 1);
    SECTION("nor when the other one was written to afterwards") {
        // An old primary that nobody stopped, with a backup of its own, looks like this as well.
        wal_of(state).commit(1, 9, "2026-11-22 13:30:00Z");
        CHECK(problems_of(ExitCode::target_not_reachable, [&] { choice(latest, std::nullopt, state); }) == refused);
    }
    SECTION("nor when its segments cannot all be looked through") {
        wal_of(state).content.erase(segment(2, 10));
        add_segments(state.archive, 2, 11, 11 + most_segments_to_search(segment_size));
        CHECK(problems_of(ExitCode::target_not_reachable, [&] { choice(latest, std::nullopt, state); }) == refused);
    }
}

TEST_CASE("a newer timeline that left only its history may hold what is asked for") {
    auto state = with_history_alone(Lsn{0x4000000});
    const auto refusal = [&](const RecoveryTarget& target, const std::optional<TimelineWish>& wish = std::nullopt) {
        return problems_of(ExitCode::target_not_reachable, [&] { choice(target, wish, state); });
    };
    const Problems unknown{
        {"timeline 2 left timeline 1 at 0/4000000, and of what it wrote nothing is in the archive but its history: one "
         "of timelines 1 and 2 was abandoned",
         "look for WAL segments of timeline 2 (00000002…) in pg_wal of every node that was on it, and bring each into "
         "the archive with pgbackrest --reset-pg1-host --reset-pg1-path --no-archive-async archive-push "
         "/PATH/SEGMENT; for what it began with, say set: 20261122-080000F, type: lsn, target: 0/4000000, "
         "target-exclusive: true and target-timeline: 1; for what backup set 20261122-090000F leads to, say "
         "target-timeline: 1"}};
    for (const auto& target : {latest, RecoveryTarget{Immediate{}}, RecoveryTarget{Xid{748}}, RecoveryTarget{Name{"x"}},
                               lsn_target("0/9001008"), time_target("2026-11-22 11:51:00Z")}) {
        CAPTURE(target.text());
        CHECK(refusal(target) == unknown);
        CHECK(choice(target, number(1), state).history.timeline == Timeline{1});
    }
    CHECK(refusal(latest, TimelineWish{Latest{}}) == unknown);
    CHECK(refusal(latest, TimelineWish{Immediate{}}) == unknown);
    // Timeline 1 was alive then.
    CHECK(choice(time_target("2026-11-22 11:49:00Z"), std::nullopt, state).history.timeline == Timeline{1});
    SECTION("not when a set is named") {
        auto request = asking_for(latest);
        request.backup_set = state.stanza.backups[1].label;
        for (const auto& target : {latest, time_target("2026-11-22 11:51:00Z")}) {
            request.target = target;
            CHECK(choose_timeline(request, state.stanza.backups[1], state.stanza.backups, state.archive, *state.wal,
                                  segment_size)
                      .history.timeline == Timeline{1});
        }
    }
    SECTION("not when it was begun by a restore that Patroni gave up") {
        state.archive.rejected[Timeline{2}] = "";
        for (const auto& target : {latest, RecoveryTarget{Immediate{}}, time_target("2026-11-22 11:51:00Z")}) {
            CHECK(choice(target, std::nullopt, state).history.timeline == Timeline{1});
        }
    }
    SECTION("not when it is older than the one that is followed") {
        state.archive.histories[Timeline{3}] = {Timeline{3}, {{Timeline{1}, Lsn{0x7000158}, "another restore"}}};
        add_segments(state.archive, 3, 7, 9);
        wal_of(state).content.erase(segment(1, 9));
        wal_of(state).begin(3, 1, Lsn{0x7000158}, "2026-11-22 12:10:00Z");
        wal_of(state).commit(3, 9, "2026-11-22 12:30:00Z");
        CHECK(choice(latest, std::nullopt, state).history.timeline == Timeline{3});
        CHECK(choice(time_target("2026-11-22 12:40:00Z"), std::nullopt, state).history.timeline == Timeline{3});
    }
    SECTION("an abort behind the time shows as well that the followed one was alive") {
        const auto& facts = wal_of(state).content[segment(1, 9)];
        wal_of(state).content[segment(1, 9)].latest_transaction_end =
            *facts.latest_transaction_end + std::chrono::minutes(2);
        CHECK(choice(time_target("2026-11-22 11:51:00Z"), std::nullopt, state).history.timeline == Timeline{1});
    }
    SECTION("there is no older set") {
        state.stanza.backups[0].lsn_stop = Lsn{0x4000100};
        const auto refused = refusal(latest);
        REQUIRE(refused.size() == 1);
        CHECK(refused[0].hint.find("; for what it began with") == std::string::npos);
    }
}

TEST_CASE("a time behind all that the followed timeline wrote may lie on one that left only its history") {
    auto state = with_history_alone(Lsn{0x7000158});  // the backup is part of its past
    const auto behind = time_target("2026-11-22 11:51:00Z");
    const auto refused = problems_of(ExitCode::target_not_reachable, [&] { choice(behind, std::nullopt, state); });
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].message.starts_with("timeline 2 left timeline 1 at 0/7000158, and of what it wrote nothing"));
    CHECK(refused[0].hint.find("say set: 20261122-090000F, type: lsn, target: 0/7000158") != std::string::npos);
    CHECK(choice(behind, number(1), state).history.timeline == Timeline{1});
    CHECK(choice(time_target("2026-11-22 11:49:00Z"), std::nullopt, state).history.timeline == Timeline{1});
    // Nothing was committed behind the fork: both have the same rows.
    wal_of(state).content.erase(segment(1, 9));
    wal_of(state).commit(1, 7, "2026-11-22 11:20:00Z", 0x100);
    CHECK(choice(behind, std::nullopt, state).history.timeline == Timeline{1});
}

TEST_CASE("a test restore's branch without a commit is passed over for the newest one that the backup is part of") {
    auto state = two_timelines();
    // Timeline 3 was made from the older backup.
    state.archive.histories[Timeline{3}] = {Timeline{3}, {{Timeline{1}, Lsn{0x3000000}, "a drill"}}};
    add_segments(state.archive, 3, 3, 4);
    const auto chosen = choice(latest, std::nullopt, state);
    CHECK(chosen.history.timeline.number == 2);
    CHECK_FALSE(chosen.newest);
    wal_of(state).commit(3, 4, "2026-11-22 13:05:00Z");
    CHECK(problems_of(ExitCode::target_not_reachable, [&] { choice(latest, std::nullopt, state); }).size() == 1);
}

TEST_CASE("an LSN, a transaction or a restore point that two branches may hold is refused, and both are named") {
    auto state = two_timelines();
    const auto branches_for = [&](const RecoveryTarget& target) {
        return problems_of(ExitCode::target_not_reachable, [&] { choice(target, std::nullopt, state); });
    };
    CHECK(branches_for(lsn_target("0/8000028")) ==
          Problems{{"several branches may hold the lsn 0/8000028: timeline 1 (last commit at 2026-11-22 11:50:00+00), "
                    "timeline 2 (last commit at 2026-11-22 12:40:00+00)",
                    "say which of them is meant with target-timeline: 1 or 2"}});
    CHECK(choice(lsn_target("0/8000028"), number(1), state).history.timeline == Timeline{1});
    // Behind the last record of timeline 1.
    CHECK(choice(lsn_target("0/9001008"), std::nullopt, state).history.timeline == Timeline{2});
    CHECK(choice({Xid{748}}, std::nullopt, state).history.timeline == Timeline{2});
    wal_of(state).transactions[segment(1, 8)][748] = Lsn{0x8000100};
    CHECK(branches_for({Xid{748}}).size() == 1);
    CHECK(choice({Name{"x"}}, std::nullopt, state).history.timeline == Timeline{2});
    wal_of(state).content[segment(1, 8)].restore_points.push_back({Lsn{0x8000200}, Lsn{0x8000280}, {"x", {}}});
    CHECK(branches_for({Name{"x"}}).size() == 1);
    SECTION("not when it lies before the fork") {
        wal_of(state).transactions[segment(1, 7)][749] = Lsn{0x7000100};
        CHECK(choice({Xid{749}}, std::nullopt, state).history.timeline == Timeline{2});
    }
    SECTION("also when not all of it can be looked through") {
        add_segments(state.archive, 1, 10, 10 + most_segments_to_search(segment_size));
        CHECK(branches_for({Xid{750}}).size() == 1);
    }
}

TEST_CASE("a time is looked for on the timeline that was alive then") {
    const auto before = choice(time_target("2026-11-22 11:00:00Z"));
    CHECK(before.history.timeline.number == 1);
    CHECK_FALSE(before.newest);
    CHECK(before.reason == "the one that was alive at the target time");
    const auto at_birth = choice(time_target("2026-11-22 12:00:00Z"));
    CHECK(at_birth.history.timeline.number == 2);
    CHECK(at_birth.newest);
    CHECK(at_birth.reason == "the one that was alive at the target time");
    CHECK(choice(time_target("2026-11-22 11:59:59.9Z")).history.timeline.number == 1);
}

TEST_CASE("a time at which two branches were written is refused, and both are named") {
    auto state = two_timelines();
    // The old cluster lived on after the other one had left it in segment 7.
    wal_of(state).commit(1, 9, "2026-11-22 12:20:00Z");
    const auto refused = problems_of(ExitCode::target_not_reachable,
                                     [&] { choice(time_target("2026-11-22 12:10:00Z"), std::nullopt, state); });
    CHECK(refused ==
          std::vector<Problem>{{"several branches hold the time 2026-11-22 12:10:00+00: timeline 1 (last commit at "
                                "2026-11-22 12:20:00+00), timeline 2 (last commit at 2026-11-22 12:40:00+00)",
                                "say which of them is meant with target-timeline: 1 or 2"}});
    CHECK(choice(time_target("2026-11-22 12:10:00Z"), number(1), state).history.timeline == Timeline{1});
    CHECK(choice(time_target("2026-11-22 12:10:00Z"), number(2), state).history.timeline == Timeline{2});
    SECTION("not when it had ended by then") {
        CHECK(choice(time_target("2026-11-22 12:30:00Z"), std::nullopt, state).history.timeline == Timeline{2});
    }
    SECTION("not when the other did not exist yet") {
        CHECK(choice(time_target("2026-11-22 11:00:00Z"), std::nullopt, state).history.timeline == Timeline{1});
    }
    SECTION("not when all its commits lie before the fork") {
        wal_of(state).content.erase(segment(1, 9));
        wal_of(state).commit(1, 7, "2026-11-22 12:20:00Z", 0x100);
        CHECK(choice(time_target("2026-11-22 12:10:00Z"), std::nullopt, state).history.timeline == Timeline{2});
    }
    SECTION("also when the newer one ended before: it may be the one that is meant") {
        wal_of(state).content.erase(segment(2, 10));
        wal_of(state).commit(2, 10, "2026-11-22 12:05:00Z");
        CHECK(problems_of(ExitCode::target_not_reachable, [&] {
                  choice(time_target("2026-11-22 12:10:00Z"), std::nullopt, state);
              }).size() == 1);
    }
    SECTION("the time of an upload decides nothing") {
        state.archive.last_segments[Timeline{1}].archived_at = seconds("2026-11-22 15:00:00Z");
        CHECK(choice(time_target("2026-11-22 12:30:00Z"), std::nullopt, state).history.timeline == Timeline{2});
    }
}

TEST_CASE("a timeline whose first segment is not there was begun after the parent's last commit before the fork") {
    auto state = two_timelines();
    remove_segment(state.archive, segment(2, 7));
    wal_of(state).content.erase(segment(1, 9));
    wal_of(state).commit(1, 7, "2026-11-22 11:30:00Z", 0x100);
    CHECK(choice(time_target("2026-11-22 11:29:00Z"), std::nullopt, state).history.timeline == Timeline{1});
    CHECK(choice(time_target("2026-11-22 11:30:00Z"), std::nullopt, state).history.timeline == Timeline{2});
}

TEST_CASE("latest is not the greatest number when another branch was written to afterwards") {
    auto state = two_timelines();
    wal_of(state).commit(1, 9, "2026-11-22 12:50:00Z");  // timeline 2 was a rehearsal
    CHECK(
        problems_of(ExitCode::target_not_reachable, [&] { choice(latest, std::nullopt, state); }) ==
        Problems{{"several branches may be the latest: timeline 1 (last commit at 2026-11-22 12:50:00+00), timeline 2 "
                  "(last commit at 2026-11-22 12:40:00+00)",
                  "say which of them is meant with target-timeline: 1 or 2"}});
    CHECK(choice(latest, number(2), state).history.timeline == Timeline{2});
    wal_of(state).content.erase(segment(2, 10));  // nothing was committed in it
    CHECK(problems_of(ExitCode::target_not_reachable, [&] { choice(latest, std::nullopt, state); }).size() == 1);
}

TEST_CASE("latest is not a branch without a commit in all that is looked through when another was written to") {
    auto state = two_timelines();
    const auto last = 11 + most_segments_to_search(segment_size);
    add_segments(state.archive, 2, 11, last);
    state.archive.last_segments[Timeline{2}].name = segment(2, last);
    wal_of(state).commit(1, 9, "2026-11-22 12:50:00Z");
    CHECK(problems_of(ExitCode::target_not_reachable, [&] { choice(latest, std::nullopt, state); }).size() == 1);
    CHECK(choice(latest, number(2), state).history.timeline == Timeline{2});
    wal_of(state).content.erase(segment(1, 9));  // what the parent wrote was all before that
    wal_of(state).commit(1, 7, "2026-11-22 11:20:00Z", 0x100);
    CHECK(choice(latest, std::nullopt, state).history.timeline == Timeline{2});
}

TEST_CASE("what was committed just before a failover is in the new timeline's first segment alone") {
    auto state = two_timelines();
    wal_of(state).content.erase(segment(1, 9));
    for (std::uint64_t gone = 7; gone <= 9; ++gone) {
        remove_segment(state.archive, segment(1, gone));
    }
    state.archive.last_segments[Timeline{1}].name = segment(1, 6);
    wal_of(state).commit(1, 6, "2026-11-22 11:40:00Z", 0x200);
    CHECK(choice(time_target("2026-11-22 11:30:00Z"), std::nullopt, state).history.timeline == Timeline{1});
    CHECK(choice(time_target("2026-11-22 11:45:00Z"), std::nullopt, state).history.timeline == Timeline{2});
}

TEST_CASE("a backup on an abandoned branch is not taken for any target while nobody has named it") {
    auto state = two_timelines();
    const Lsn fork{0x4000000};
    state.archive.histories[Timeline{2}].forks[0].at = fork;
    add_segments(state.archive, 2, 4, 6);
    for (const auto& wish : {std::optional<TimelineWish>(), std::optional(TimelineWish{Latest{}}),
                             std::optional(TimelineWish{Immediate{}})}) {
        CHECK(problems_of(ExitCode::target_not_reachable, [&] { choice({Immediate{}}, wish, state); }).size() == 1);
    }
    CHECK(choice({Immediate{}}, number(1), state).history.timeline == Timeline{1});
}

TEST_CASE("a restore to the past that left only its history was not alive at any time") {
    auto state = two_timelines();
    for (std::uint64_t gone = 7; gone <= 10; ++gone) {
        remove_segment(state.archive, segment(2, gone));
    }
    state.archive.last_segments.erase(Timeline{2});
    CHECK(choice(time_target("2026-11-22 11:30:00Z"), std::nullopt, state).history.timeline == Timeline{1});
    // After a failover nobody knows what it held.
    state.archive.histories[Timeline{2}].forks[0].reason = "no recovery target specified";
    CHECK(problems_of(ExitCode::target_not_reachable, [&] {
              choice(time_target("2026-11-22 11:30:00Z"), std::nullopt, state);
          }).size() == 1);
}

TEST_CASE("an immediate target stays on the backup's own timeline") {
    const auto chosen = choice({Immediate{}});
    CHECK(chosen.history.timeline.number == 1);
    CHECK(chosen.reason == "the backup's own");
    CHECK_FALSE(chosen.newest);
}

TEST_CASE("a wish comes before every rule") {
    CHECK(choice(latest, number(1)).history.timeline.number == 1);
    CHECK(choice(latest, number(1)).reason == "as asked for");
    CHECK_FALSE(choice(latest, number(1)).newest);
    CHECK(choice({Immediate{}}, number(2)).history.timeline.number == 2);
    CHECK(choice(latest, number(2)).newest);
    CHECK(choice(latest, TimelineWish{Immediate{}}).history.timeline.number == 1);
    CHECK(choice(time_target("2026-11-22 11:00:00Z"), TimelineWish{Latest{}}).history.timeline.number == 2);
}

TEST_CASE("a timeline that is not there, or that the backup is not part of, is refused") {
    CHECK(problems_of(ExitCode::target_not_reachable, [] { choice(latest, number(3)); }) ==
          Problems{{"timeline 3 is not in the archive: there is no 00000003.history",
                    "choose one that is there, or leave target-timeline out"}});
    auto state = two_timelines();
    state.archive.histories[Timeline{2}].forks[0].at = Lsn{0x6000000};
    CHECK(problems_of(ExitCode::target_not_reachable, [&] { choice(latest, number(2), state); }) ==
          Problems{{"backup set 20261122-090000F of timeline 1 is not part of timeline 2's past",
                    "say set: 20261122-080000F"}});
    state.stanza.backups[0].lsn_stop = Lsn{0x6000100};
    CHECK(problems_of(ExitCode::target_not_reachable, [&] { choice(latest, number(2), state); }).front().hint ==
          "an older backup set is needed, and there is none that is part of its past");
}

TEST_CASE("a backup's own timeline needs no history file when it is the first") {
    CHECK(choice(latest, number(1), one_timeline()).history.timeline.number == 1);
}

TEST_CASE("a backup tells its timeline by its first segment, an offline one cannot") {
    auto made = backup("20261122-080000F", 0x11, 2, 2, "2026-11-22 08:00:00Z");
    CHECK(starting_timeline(made).number == 0x11);
    made.archive_start.clear();
    CHECK(
        problems_of(ExitCode::target_not_reachable, [&] { starting_timeline(made); }) ==
        Problems{{"backup set 20261122-080000F has no start of WAL", "it was made offline; choose another with set"}});
}

TEST_CASE("a backup may start on the wished timeline or an older one") {
    const auto made = backup("20261122-080000F", 2, 2, 2, "2026-11-22 08:00:00Z");
    CHECK(may_start_on(made, std::nullopt));
    CHECK(may_start_on(made, TimelineWish{Latest{}}));
    CHECK(may_start_on(made, TimelineWish{Immediate{}}));
    CHECK(may_start_on(made, number(2)));
    CHECK(may_start_on(made, number(3)));
    CHECK_FALSE(may_start_on(made, number(1)));
}
