#include "plan/window.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;

TEST_CASE("the window goes from the end of the first backup to the last commit") {
    const auto repository = one_timeline();
    const auto plan = make_plan(asking_for(latest), repository);
    const auto window = find_window(plan, repository);
    CHECK(window.first_set == "20261122-080000F");
    REQUIRE(window.last_commit);
    CHECK(Time{window.last_commit->latest_end}.text() == Time::parse("2026-11-22 11:50:00Z")->text());
    CHECK(window_text(plan, repository) == window_text(window, plan));
    CHECK(window_text(window, plan).find("(end of backup set 20261122-080000F) to the last commit at") !=
          std::string::npos);
}

TEST_CASE("a random moment lies in the window, and its seed chooses it again") {
    const auto repository = one_timeline();
    auto window = find_window(make_plan(asking_for(latest), repository), repository);
    const std::chrono::sys_time<std::chrono::microseconds> begin{std::chrono::seconds(window.begin)};
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        const auto target = random_moment(window, seed);
        REQUIRE(target);
        const auto at = std::get<Time>(target->point).at;
        CHECK((at >= begin && at < window.last_commit->latest_end));
        CHECK(target->text() == random_moment(window, seed)->text());
    }
    CHECK(random_moment(window, 1)->text() != random_moment(window, 2)->text());
    window.last_commit->latest_end = begin + std::chrono::microseconds(1);
    CHECK(std::get<Time>(random_moment(window, 3)->point).at == begin);
    window.last_commit->latest_end = begin;
    CHECK_FALSE(random_moment(window, 3));
    window.last_commit.reset();
    CHECK_FALSE(random_moment(window, 3));
}

TEST_CASE("a moment at which two branches were alive can be taken on the one with the latest point") {
    auto state = two_timelines();
    // The old cluster lived on after the other one had left it in segment 7.
    wal_of(state).commit(1, 9, "2026-11-22 12:20:00Z");
    const auto latest_plan = make_plan(asking_for(latest), state);
    REQUIRE(latest_plan.timeline().number == 2);
    const auto moment = Time::parse("2026-11-22 12:10:00Z").value();
    const auto request = asking_for(RecoveryTarget{moment});
    CHECK(no_plan(request, state).front().message.starts_with("several branches hold the time"));
    const auto told = on_the_way(request, moment, latest_plan, state);
    REQUIRE(told);
    CHECK(told->backup_set == "20261122-090000F");
    const auto plan = make_plan(*told, state);
    CHECK(plan.timeline().number == 2);
    CHECK(plan.backup.label == "20261122-090000F");
    // That set ends in that very second.
    const auto earlier = Time::parse("2026-11-22 09:00:00Z").value();
    CHECK(on_the_way(request, earlier, latest_plan, state)->backup_set == "20261122-080000F");
    CHECK_FALSE(on_the_way(request, Time::parse("2026-11-22 08:00:00Z").value(), latest_plan, state));
    auto elsewhere = request;
    elsewhere.repository = 2;
    CHECK_FALSE(on_the_way(elsewhere, moment, latest_plan, state));
}
