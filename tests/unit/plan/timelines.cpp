#include "plan/timelines.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;
using postgres::Timeline;

namespace {

Problems no_plan(const RepositoryState& state, const Given& given = {}) {
    return problems_of(ExitCode::target_not_reachable, [&] { make_plan(request_for(given), state); });
}

std::string hint(const std::string& number) {
    const auto file = "0000000" + number + ".history";
    return "look for " + file + " in pg_wal of every node that was on timeline " + number + " (archive_status/" + file +
           ".ready marks one that was never archived), and bring it into the archive with pgbackrest --stanza=demo "
           "--reset-pg1-host --reset-pg1-path --no-archive-async archive-push /PATH/" +
           file + ": without it timeline " + number +
           " cannot be followed, and its number would be taken a second time";
}

}  // namespace

TEST_CASE("a timeline whose history is lost is neither followed nor passed by") {
    auto state = two_timelines();
    state.archive.histories.clear();
    state.archive.directories[Timeline{2}] = "0000000200000000";
    const Problems refused = {{"the repository has no whole 00000002.history, and timeline 2 was there: "
                               "0000000200000000 holds WAL of it",
                               hint("2")}};
    for (const Given& given : std::vector<Given>{{},
                                                 {{"target-timeline", "1"}},
                                                 {{"type", "immediate"}},
                                                 {{"set", "20261122-080000F"}},
                                                 {{"type", "time"}, {"target", "2026-11-22 09:30:00Z"}}}) {
        CHECK(no_plan(state, given) == refused);
    }
}

TEST_CASE("a backup alone shows a timeline, too") {
    auto state = one_timeline();
    state.stanza.backups.push_back(backup("20261122-100000F", 2, 11, 11, "2026-11-22 10:00:00Z"));
    CHECK(no_plan(state) == Problems{{"the repository has no whole 00000002.history, and timeline 2 was there: backup "
                                      "set 20261122-100000F was made on it",
                                      hint("2")}});
}

TEST_CASE("a history file that is cut is not a history") {
    auto state = two_timelines();
    state.archive.histories.clear();
    state.archive.broken_histories[Timeline{2}] = "00000002.history names no parent";
    CHECK(no_plan(state) == Problems{{"the repository has no whole 00000002.history, and timeline 2 was there: "
                                      "00000002.history names no parent",
                                      hint("2")}});
}

TEST_CASE("what was abandoned below the followed timeline needs no history") {
    auto state = two_timelines();
    const Timeline third{3};
    state.archive.histories[third] = {
        third, {{Timeline{1}, postgres::Lsn{8 * segment_size.bytes + 0x200}, "no recovery target specified"}}};
    add_segments(state.archive, 3, 8, 12);
    wal_of(state).commit(3, 12, "2026-11-22 13:00:00Z");
    state.archive.histories.erase(Timeline{2});
    state.archive.directories[Timeline{2}] = "0000000200000000";
    CHECK(make_plan(request_for(), state).timeline() == third);
    CHECK(no_plan(state, {{"target-timeline", "1"}}).size() == 1);
}

TEST_CASE("a timeline that only a repository knows which repo leaves out is not given away again") {
    auto state = one_timeline();
    state.elsewhere = {{2, "archive/demo/15-1", segment(2, 3), {Timeline{1}, Timeline{2}}, {Timeline{2}}}};
    CHECK(no_plan(state, {{"repo", "1"}}) ==
          Problems{
              {"repo2 knows timeline 2, and the repository that repo names does not: the number would be taken a "
               "second time, and archive-push would write over 00000002.history",
               "restore from that repository with repo: 2, or from all by leaving repo out; to give timeline 2 up, "
               "say target-timeline: 1 after its history was brought over: pgbackrest --stanza=demo --repo=2 repo-get "
               "archive/demo/15-1/00000002.history >/tmp/00000002.history && pgbackrest --stanza=demo "
               "--reset-pg1-host --reset-pg1-path --no-archive-async archive-push /tmp/00000002.history"}});
    SECTION("one that both know is no news") {
        auto both = two_timelines();
        both.elsewhere = state.elsewhere;
        CHECK(
            make_plan(request_for({{"repo", "1"}, {"target-timeline", "1"}, {"type", "immediate"}}), both).timeline() ==
            Timeline{1});
    }
    SECTION("nor is one that was given up below the followed one") {
        auto both = two_timelines();
        both.elsewhere = {{2, "archive/demo/15-1", segment(1, 3), {Timeline{1}}}};
        CHECK(make_plan(request_for({{"repo", "1"}}), both).timeline() == Timeline{2});
    }
}

namespace {

/// Timeline 2 in repo2 as well, where it left timeline 1 at another place.
RepositoryState two_pasts(postgres::Lsn elsewhere = {0x8000060}) {
    auto state = two_timelines();
    const auto& first = state.archive.histories.at(Timeline{2});
    const postgres::TimelineHistory other{Timeline{2}, {{Timeline{1}, elsewhere, "no recovery target specified"}}};
    state.archive.history_copies[Timeline{2}] = {{1, first}, {2, other}};
    state.stanza.databases.push_back({1, 2, "7710953412442782829", "15"});
    state.stanza.backups.push_back(backup("20261122-091000F", 1, 5, 6, "2026-11-22 09:10:00Z", 2));
    return state;
}

/// Timeline 3, which left timeline 2.
void follow_third(RepositoryState& state) {
    const Timeline third{3};
    const auto& second = state.archive.histories.at(Timeline{2});
    state.archive.histories[third] = {third, {second.forks[0], {Timeline{2}, postgres::Lsn{0xB000158}, ""}}};
    add_segments(state.archive, 2, 11, 11);
    add_segments(state.archive, 3, 11, 12);
    wal_of(state).begin(3, 2, postgres::Lsn{0xB000158}, "2026-11-22 13:00:00Z");
    wal_of(state).commit(3, 12, "2026-11-22 13:40:00Z");
}

const std::string two_files = "the repositories hold different files 00000002.history: repo1 says that timeline 1 was "
                              "left at 0/7000158, repo2 says that timeline 1 was left at 0/8000060";
const std::string which_one =
    "two nodes were promoted to timeline 2: say whose branch is meant with repo: 1 or repo: 2";

}  // namespace

TEST_CASE("a timeline that left its parent at another place in each repository is not followed") {
    auto state = two_pasts();
    CHECK(no_plan(state) == Problems{{two_files, which_one}});
    CHECK(no_plan(state, {{"target-timeline", "2"}}) == Problems{{two_files, which_one}});
    SECTION("not by those that descend from it, either") {
        follow_third(state);
        CHECK(no_plan(state) == Problems{{two_files, which_one}});
    }
    SECTION("a repository without a backup is no choice") {
        state.stanza.backups.pop_back();
        CHECK(no_plan(state) == Problems{{two_files, which_one + " (which holds no backup set)"}});
    }
    SECTION("all repositories are named") {
        const auto copies = state.archive.history_copies[Timeline{2}];
        state.archive.history_copies[Timeline{2}].push_back({4, copies[0].history});
        CHECK(no_plan(state) == Problems{{two_files + ", repo4 says that timeline 1 was left at 0/7000158",
                                          which_one + " or repo: 4 (which holds no backup set)"}});
    }
}

TEST_CASE("what does not depend on the repositories' histories is followed") {
    CHECK(make_plan(request_for(), two_pasts(postgres::Lsn{0x7000158})).timeline() == Timeline{2});
    auto state = two_pasts();
    for (const Given& given :
         std::vector<Given>{{{"type", "immediate"}}, {{"target-timeline", "1"}, {"type", "immediate"}}}) {
        CHECK(make_plan(request_for(given), state).timeline() == Timeline{1});
    }
    SECTION("a timeline that was left before the backup") {
        follow_third(state);
        state.stanza.backups.push_back(backup("20261122-133000F", 3, 12, 12, "2026-11-22 13:30:00Z"));
        CHECK(make_plan(request_for(), state).timeline() == Timeline{3});
        // Whichever of them was followed.
        auto& copies = state.archive.history_copies[Timeline{2}];
        state.archive.histories[Timeline{2}] = copies[1].history;
        CHECK(make_plan(request_for(), state).timeline() == Timeline{3});
        copies.pop_back();
        copies[0].history = state.archive.histories[Timeline{2}];
        CHECK(no_plan(state).size() == 1);
    }
}

TEST_CASE("a newer timeline that one repository's history lets be followed is not passed by") {
    auto state = two_pasts();
    // In the first repository it left timeline 1 before the backup.
    auto& copies = state.archive.history_copies[Timeline{2}];
    copies[0].history.forks[0].at = postgres::Lsn{0x5000028};
    state.archive.histories[Timeline{2}] = copies[0].history;
    const Given newest = {{"set", "20261122-090000F"}};
    CHECK(no_plan(state, newest) ==
          Problems{{"the repositories hold different files 00000002.history: repo1 says that timeline 1 was left at "
                    "0/5000028, repo2 says that timeline 1 was left at 0/8000060",
                    which_one + "; for none of them, say target-timeline: 1"}});
    CHECK(make_plan(request_for({{"set", "20261122-090000F"}, {"target-timeline", "1"}}), state).timeline() ==
          Timeline{1});
    SECTION("in neither it is of interest") {
        copies[1].history.forks[0].at = postgres::Lsn{0x5000128};
        CHECK(make_plan(request_for(newest), state).timeline() == Timeline{1});
    }
}
