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
