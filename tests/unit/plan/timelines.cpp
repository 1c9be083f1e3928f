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
