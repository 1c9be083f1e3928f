#include "show/estimate.hpp"

#include "support/catch.hpp"

using namespace patroni_pgbackrest;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t gib = 1ULL << 30;
constexpr std::uint64_t segment_bytes = 16ULL << 20;

/// 10 GiB copied in 100 s, 100 segments replayed in 100 s, 10 s of flushing, 10 s for all else.
MeasuredRun usual() {
    return {.at = 1,
            .bytes = 10 * gib,
            .segments = 100,
            .segment_size = segment_bytes,
            .seconds = {{"request", 1},
                        {"plan", 4},
                        {"copy", 100},
                        {"replay", 100},
                        {"verification", 2},
                        {"sync", 10},
                        {"hand-over", 3}}};
}

MeasuredRun without_copy() {
    auto run = usual();
    run.bytes = 0;
    return run;
}

MeasuredRun without_replay() {
    auto run = usual();
    run.segments = 0;
    return run;
}

RestoreWork work(std::uint64_t gibibytes, std::uint64_t segments, std::chrono::hours age = 48h) {
    return {.bytes = gibibytes * gib, .segments = segments, .segment_size = segment_bytes, .since_backup = age};
}

}  // namespace

TEST_CASE("a restore is estimated from the rates of the last ones here, and without any nothing is made up") {
    struct Case {
        const char* name;
        RestoreWork work;
        std::vector<MeasuredRun> history;
        std::optional<std::chrono::seconds> copy, replay;
        std::chrono::seconds rest;
    };
    auto slower = usual();
    slower.bytes = 30 * gib;
    slower.seconds["copy"] = 700;
    auto larger_segments = usual();
    larger_segments.segment_size *= 4;
    const std::vector<MeasuredRun> old_and_five(6, usual());
    auto with_old = old_and_five;
    with_old.front() = slower;
    const std::vector<Case> cases = {
        {"the same again", work(10, 100), {usual()}, 100s, 100s, 20s},
        {"ten times as much", work(100, 1000), {usual()}, 1000s, 1000s, 110s},
        {"weighted with the amount", work(10, 0), {usual(), slower}, 200s, 0s, 15s},
        {"no more than the last five", work(10, 100), with_old, 100s, 100s, 20s},
        {"segments of another size", work(10, 100), {larger_segments}, 100s, 25s, 20s},
        {"no copy was measured", work(10, 100), {without_copy()}, std::nullopt, 100s, 10s},
        {"no replay was measured", work(10, 100), {without_replay()}, 100s, std::nullopt, 20s},
        {"there is nothing to replay", work(10, 0), {without_replay()}, 100s, 0s, 20s},
        {"each part by another run", work(10, 100), {without_copy(), without_replay()}, 100s, 100s, 20s},
    };
    for (const auto& one : cases) {
        CAPTURE(one.name);
        const auto found = estimate(one.work, one.history);
        REQUIRE(found);
        CHECK(found->copy == one.copy);
        CHECK(found->replay == one.replay);
        CHECK(found->rest == one.rest);
        CHECK(found->all() == one.copy.value_or(0s) + one.replay.value_or(0s) + one.rest);
    }
    CHECK_FALSE(estimate(work(10, 100), {}));
    auto nothing = without_copy();
    nothing.segments = 0;
    CHECK_FALSE(estimate(work(10, 100), {nothing}));
}

TEST_CASE("more backups are advised where the replay takes the time, as few as make it half as long") {
    struct Case {
        const char* name;
        RestoreWork work;
        int every_hours;  ///< 0: none
        std::chrono::seconds all;
    };
    auto earlier = work(10, 1900);
    earlier.may_end_earlier = true;
    const std::vector<Case> cases = {
        {"2 days of WAL: a day's halves nothing, half a day's does", work(10, 1900), 12, 100s + 475s + 20s},
        {"a week of it", work(10, 1900, 168h), 24, 100s + 271s + 20s},
        {"a backup of 5 hours", work(10, 1900, 5h), 2, 100s + 760s + 20s},
        {"one of 2 hours: nothing halves it, and an hour's is the least there is", work(10, 1900, 2h), 1,
         100s + 950s + 20s},
        {"one of an hour", work(10, 1900, 1h), 0, 0s},
        {"a short replay", work(1, 299), 0, 0s},
        {"a copy that takes longer", work(200, 1900), 0, 0s},
        {"a target somewhere on the way", earlier, 0, 0s},
    };
    for (const auto& one : cases) {
        CAPTURE(one.name);
        const auto found = more_backups(one.work, estimate(one.work, {usual()}).value());
        CHECK(found.has_value() == (one.every_hours != 0));
        if (found) {
            CHECK(found->every_hours == one.every_hours);
            CHECK(found->all == one.all);
        }
    }
    CHECK_FALSE(more_backups(work(10, 1900), estimate(work(10, 1900), {without_copy()}).value()));
}

TEST_CASE("a person reads how long it takes and why, or what there is to do") {
    CHECK(estimate_text(work(10, 1900), estimate(work(10, 1900), {usual(), usual()})) ==
          "about 34 min: 10.0 GiB copied in 1 min 40 s, 1,900 WAL segments (29.7 GiB) replayed in 32 min, 20 s for the "
          "rest; by the rates of the last 2 restores here");
    auto earlier = work(10, 100);
    earlier.may_end_earlier = true;
    CHECK(estimate_text(earlier, estimate(earlier, {without_replay()})) ==
          "more than 2 min: 10.0 GiB copied in 1 min 40 s, and the replay of 100 WAL segments (1.6 GiB), which no "
          "restore "
          "here has measured, 20 s for the rest; by the rates of the last restore here");
    CHECK(estimate_text(earlier, estimate(earlier, {usual()})).starts_with("at most 3 min 40 s: "));
    CHECK(estimate_text(earlier, estimate(earlier, {without_copy()})).starts_with("about 1 min 50 s: "));
    CHECK(
        estimate_text(work(10, 100), estimate(work(10, 100), {without_copy()})).starts_with("more than 1 min 50 s: "));
    CHECK(estimate_text(work(10, 1900), std::nullopt) ==
          "not known, since no restore was measured on this node yet: 10.0 GiB to copy, 1,900 WAL segments (29.7 GiB) "
          "to replay");
    CHECK(shorter_text(work(10, 1900), {6, 900s}) ==
          "1,900 WAL segments since the backup: an incremental one every 6 h makes it 15 min");
}
