#include "show/progress.hpp"
#include "show/progress_text.hpp"

#include "support/catch.hpp"

#include <cmath>
#include <cstdint>

using namespace patroni_pgbackrest;
using namespace std::chrono_literals;

namespace {

const Progress::Clock::time_point start{};

/// Looks once a second, from `begin` to `end` seconds, at a phase that moves by `step` every `every` seconds.
void move(Progress& progress, std::uint64_t from, std::uint64_t step, int begin, int end, int every) {
    for (int second = begin; second <= end; second += every) {
        progress.advance(from + step * static_cast<std::uint64_t>((second - begin) / every + 1),
                         start + std::chrono::seconds(second));
    }
}

bool is_near(double value, double wanted, double part) {
    return std::abs(value - wanted) <= part * wanted;
}

PhaseView copying(std::uint64_t done, std::chrono::seconds quiet = 0s) {
    PhaseView view;
    view.phase = "copy";
    view.unit = Unit::bytes;
    view.done = done;
    view.planned = 100;
    view.percent = static_cast<double>(done);
    view.quiet = quiet;
    return view;
}

}  // namespace

TEST_CASE("a phase without a plan has no percentage, no rate and no end") {
    Progress progress;
    progress.begin("plan", start);
    progress.advance(5, start + 1s);
    const auto view = progress.look(start + 7s);
    CHECK(view.phase == "plan");
    CHECK(view.unit == Unit::none);
    CHECK_FALSE(view.percent);
    CHECK_FALSE(view.rate);
    CHECK_FALSE(view.left);
    CHECK(view.lasts == 7s);
    CHECK(view.quiet == 7s);
    progress.stir(start + 6s);
    CHECK(progress.look(start + 7s).quiet == 1s);
}

TEST_CASE("percentages never go back, not even when a second try begins at its beginning") {
    Progress progress;
    progress.begin("copy", start);
    progress.plan(Unit::bytes, 200, 0, start);
    progress.advance(80, start + 1s);
    progress.advance(10, start + 5s);
    CHECK(progress.look(start + 5s).percent == 40.0);
    CHECK(progress.look(start + 5s).quiet == 0s);  // it checks what the first one did
    progress.advance(10, start + 9s);
    CHECK(progress.look(start + 9s).quiet == 4s);
    progress.advance(90, start + 6s);
    CHECK(progress.look(start + 6s).percent == 45.0);
    progress.advance(1000, start + 7s);
    CHECK(progress.look(start + 7s).percent == 100.0);
    CHECK(progress.look(start + 7s).left == 0s);
}

TEST_CASE("the rate is that of the last minute") {
    Progress progress;
    progress.begin("copy", start);
    progress.plan(Unit::bytes, 100000, 0, start);
    move(progress, 0, 100, 1, 100, 1);
    CHECK(progress.look(start + 100s).rate == 100.0);
    CHECK(progress.look(start + 100s).left == 900s);
    move(progress, 10000, 10, 101, 170, 1);  // ten times slower since 70 seconds
    CHECK(is_near(progress.look(start + 170s).rate.value(), 10, 0.01));
}

TEST_CASE("what moves in large steps is not taken for fast right behind a step, nor for slow before the next one") {
    Progress progress;
    progress.begin("replay", start);
    progress.plan(Unit::segments, 100, 0, start);
    move(progress, 0, 1, 20, 200, 20);
    for (const auto later : {0s, 5s, 10s, 19s}) {
        const auto view = progress.look(start + 200s + later);
        CHECK(is_near(view.rate.value(), 0.05, 0.01));
        CHECK(view.left == 1800s - later);
    }
    CHECK(progress.look(start + 400s).rate.value() < 0.02);  // it stands
}

TEST_CASE("what an earlier run has done counts for the percentage, and not for the rate") {
    Progress progress;
    progress.begin("replay", start);
    progress.plan(Unit::segments, 100, 60, start);
    CHECK(progress.look(start).percent == 60.0);
    CHECK(progress.look(start).before == 60);
    CHECK_FALSE(progress.look(start + 3s).rate);
    move(progress, 60, 1, 1, 10, 1);
    CHECK(progress.look(start + 10s).rate == 1.0);
    CHECK(progress.look(start + 10s).left == 30s);
}

TEST_CASE("a phase that has all but stopped has an end that can be counted") {
    Progress progress;
    progress.begin("copy", start);
    progress.plan(Unit::bytes, UINT64_MAX / 2, 0, start);
    progress.advance(1, start + 1h);
    CHECK(progress.look(start + 1h).left == 1000000000s);
}

TEST_CASE("thousands of moves in a second are few samples, and their rate is right") {
    Progress progress;
    progress.begin("copy", start);
    progress.plan(Unit::bytes, 1000000, 0, start);
    for (int moved = 1; moved <= 20000; ++moved) {
        progress.advance(static_cast<std::uint64_t>(moved) * 10, start + std::chrono::milliseconds(moved / 2));
    }
    CHECK(is_near(progress.look(start + 10s).rate.value(), 20000, 0.05));
}

TEST_CASE("the log gets a line when both 30 seconds and 5 % have passed") {
    LogPace pace;
    pace.begin(start);
    CHECK(pace.take(copying(50), start + 29s) == LogPace::Line::none);
    CHECK_FALSE(pace.spoke());
    CHECK(pace.take(copying(50), start + 30s) == LogPace::Line::progress);
    CHECK(pace.spoke());
    CHECK(pace.take(copying(54), start + 100s) == LogPace::Line::none);
    CHECK(pace.take(copying(55), start + 101s) == LogPace::Line::progress);
    CHECK(pace.take(copying(90), start + 130s) == LogPace::Line::none);
}

TEST_CASE("the log is never silent for more than five minutes, and then says what is waited for") {
    LogPace pace;
    pace.begin(start);
    CHECK(pace.take(copying(0, 299s), start + 299s) == LogPace::Line::none);
    CHECK(pace.take(copying(0, 300s), start + 300s) == LogPace::Line::waiting);
    CHECK(pace.take(copying(1, 200s), start + 599s) == LogPace::Line::none);
    CHECK(pace.take(copying(1, 201s), start + 600s) == LogPace::Line::progress);
    PhaseView planning;
    planning.phase = "plan";
    CHECK(pace.take(planning, start + 899s) == LogPace::Line::none);
}

TEST_CASE("lines of a phase say how much, how fast and how long") {
    PhaseView view;
    view.phase = "copy";
    view.lasts = 77s;
    CHECK(progress_line(view, "") == "copy: since 1 min 17 s");
    CHECK(bar(view, "", 200) == "copy 1 min 17 s");
    CHECK(summary_line(view) == "copy: took 1 min 17 s");
    view.unit = Unit::bytes;
    view.done = 3ULL << 29;
    view.planned = 3ULL << 30;
    view.percent = 50.9;
    CHECK(progress_line(view, "") == "copy: 50 %, 1.5 GiB of 3.0 GiB");
    view.rate = 35.0 * (1 << 20);
    view.left = 43s;
    CHECK(progress_line(view, "") == "copy: 50 %, 1.5 GiB of 3.0 GiB, 35.0 MiB/s, 43 s left");
    CHECK(summary_line(view) == "copy: 1.5 GiB in 1 min 17 s (19.9 MiB/s)");
    CHECK(bar(view, "", 200) == "copy [##########----------]   50 %  1.5 GiB of 3.0 GiB  35.0 MiB/s  43 s left");
    view.phase = "replay";
    view.unit = Unit::segments;
    view.done = 90;
    view.planned = 200;
    view.percent = 45;
    view.rate = 0.5;
    CHECK(progress_line(view, "at 0/5A000000") ==
          "replay: 45 %, 90 of 200 WAL segments, at 0/5A000000, 30.0 segments/min, 43 s left");
    view.rate = 3.2;
    CHECK(summary_line(view) == "replay: 90 WAL segments in 1 min 17 s (1.2 segments/s)");
    view.before = 13;
    CHECK(summary_line(view) == "replay: 77 WAL segments in 1 min 17 s (1.0 segments/s)");
    view.unit = Unit::time;
    view.planned = 7200;
    CHECK(progress_line(view, "") == "replay: 45 %, 1 min 30 s of 2 h 0 min of commits, 3.2 times as fast as it was "
                                     "written, 43 s left");
    CHECK(summary_line(view) == "replay: took 1 min 17 s");
    view.unit = Unit::files;
    CHECK(amount_text(view) == "90 of 7200 files");
    CHECK(rate_text(view) == "3 files/s");
}

TEST_CASE("a bar has the commit time that was reached, and in a narrow terminal the time that is left all the same") {
    PhaseView view;
    view.phase = "replay";
    view.unit = Unit::segments;
    view.done = 90;
    view.planned = 200;
    view.percent = 45;
    view.rate = 3.2;
    view.left = 43s;
    const std::string commit = "2026-11-22 10:00:00+00";
    CHECK(bar(view, commit, 200) == "replay [#########-----------]   45 %  90 of 200 WAL segments  up to "
                                    "2026-11-22 10:00:00+00  3.2 segments/s  43 s left");
    CHECK(bar(view, "", 79) == "replay [#####-------]   45 %  90 of 200 WAL segments  3.2 segments/s  43 s left");
    CHECK(bar(view, commit, 79) == "replay [#########-----------]   45 %  up to 2026-11-22 10:00:00+00  43 s left");
    CHECK(bar(view, commit, 40) == "replay [#####--------]   45 %  43 s left");
    CHECK(bar(view, commit, 35) == "replay [###-----]   45 %  43 s left");
    CHECK(bar(view, commit, 34) == "replay [########----------]   45 %");
    CHECK(bar(view, commit, 24) == "replay [###-----]   45 %");
    CHECK(bar(view, commit, 23) == "replay 45 %");
    CHECK(bar(view, commit, 10) == "replay");
    CHECK(bar(view, commit, 3) == "rep");
    view.unit = Unit::time;
    view.planned = 7200;
    CHECK(bar(view, commit, 79) == "replay [#########-----------]   45 %  up to 2026-11-22 10:00:00+00  43 s left");
    for (std::size_t columns = 0; columns < 130; ++columns) {
        CHECK(bar(view, commit, columns).size() <= columns);
    }
}

TEST_CASE("a phase that is all but done is not at 100 %") {
    Progress progress;
    progress.begin("copy", start);
    progress.plan(Unit::bytes, 10ULL << 40, 0, start);
    progress.advance((10ULL << 40) - 1, start + 1s);
    const auto view = progress.look(start + 1s);
    CHECK(view.percent == 99.99);
    CHECK(progress_line(view, "").starts_with("copy: 99 %, "));
    CHECK(rounded(*view.percent) == 99.99);
}

TEST_CASE("a phase that is done is at 100 %, however large it is") {
    constexpr std::uint64_t bytes = 17'061'390'033'353;  // 10,000 times that, divided by it, is less than 10,000
    Progress progress;
    progress.begin("copy", start);
    progress.plan(Unit::bytes, bytes, 0, start);
    progress.advance(bytes, start + 1s);
    CHECK(progress.look(start + 1s).percent == 100.0);
}

TEST_CASE("what moves slowly has a rate that is not 0") {
    PhaseView view;
    view.unit = Unit::segments;
    view.rate = 0.0005;
    CHECK(rate_text(view) == "1.8 segments/h");
    CHECK(rounded_rate(0.00123456) == 0.00123);
    CHECK(rounded_rate(0.5) == 0.5);
    CHECK(rounded_rate(3.14159) == 3.14);
    CHECK(rounded_rate(0) == 0);
    view.unit = Unit::time;
    CHECK(rate_text(view) == "0.0005 times as fast as it was written");
    view.unit = Unit::files;
    view.rate = 0.05;
    CHECK(rate_text(view) == "3 files/min");
}

TEST_CASE("a line of a phase that stands says for how long, where, and what for") {
    PhaseView view;
    view.phase = "plan";
    view.quiet = 5min;
    CHECK(waiting_line(view, "") == "plan: nothing moved for 5 min");
    view.phase = "replay";
    view.percent = 45;
    CHECK(waiting_line(view, "pgbackrest archive-get of 00000001000000000000005A") ==
          "replay: nothing moved for 5 min at 45 %: it waits for pgbackrest archive-get of 00000001000000000000005A");
}

TEST_CASE("a program is told of a phase in fields, and nothing of what is not known") {
    PhaseView view;
    view.phase = "plan";
    view.lasts = 3s;
    CHECK(progress_fields(view, "", "") == log::Fields{{"phase", "plan"}, {"seconds", std::int64_t{3}}});
    view.phase = "replay";
    view.unit = Unit::segments;
    view.done = 90;
    view.planned = 200;
    view.percent = 45;
    view.rate = 3.14159;
    view.left = 35s;
    CHECK(progress_fields(view, "at 0/5A000000", "pgbackrest restore") ==
          log::Fields{{"phase", "replay"},
                      {"seconds", std::int64_t{3}},
                      {"unit", "segments"},
                      {"done", std::int64_t{90}},
                      {"planned", std::int64_t{200}},
                      {"percent", 45.0},
                      {"rate", 3.14},
                      {"seconds_left", std::int64_t{35}},
                      {"position", "at 0/5A000000"},
                      {"waits_for", "pgbackrest restore"}});
}

TEST_CASE("numbers, bytes and durations are written for people") {
    CHECK(count_text(0) == "0");
    CHECK(count_text(999) == "999");
    CHECK(count_text(1900) == "1,900");
    CHECK(count_text(1234567) == "1,234,567");
    CHECK(bytes_text(0) == "0 B");
    CHECK(bytes_text(1023) == "1023 B");
    CHECK(bytes_text(1024) == "1.0 KiB");
    CHECK(bytes_text(5.0 * (1ULL << 50)) == "5120.0 TiB");
    CHECK(duration_text(59s) == "59 s");
    CHECK(duration_text(60s) == "1 min");
    CHECK(duration_text(3599s) == "59 min 59 s");
    CHECK(duration_text(7800s) == "2 h 10 min");
    CHECK(duration_text(0.6) == "1 s");
    CHECK(duration_text(-5.0) == "0 s");
    CHECK(duration_text(1e300) == duration_text(1e9));
}
