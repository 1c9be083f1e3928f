#include "show/progress.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace patroni_pgbackrest {

namespace {

using namespace std::chrono_literals;
using Seconds = std::chrono::duration<double>;

/// More moves than that are one: pgBackRest restores thousands of small files a second.
constexpr auto shortest_interval = 250ms;
constexpr auto window = 60s;
/// As many samples stay, however old they are.
constexpr std::size_t fewest_samples = 4;

constexpr auto pause_between_lines = 30s;
constexpr double step_between_lines = 5;
constexpr auto longest_silence = 5min;
/// Of a time that is left: a phase that has all but stopped would take longer than can be counted.
constexpr double most_seconds = 1e9;

}  // namespace

void Progress::begin(std::string phase, Clock::time_point now) {
    *this = Progress();
    phase_ = std::move(phase);
    begun_ = moved_ = now;
}

void Progress::plan(Unit unit, std::uint64_t planned, std::uint64_t done, Clock::time_point now) {
    unit_ = unit;
    planned_ = planned;
    before_ = done_ = told_ = std::min(done, planned);
    samples_ = {{now, done_}};
    moved_ = now;
}

void Progress::advance(std::uint64_t done, Clock::time_point now) {
    done = std::min(done, planned_);
    if (std::exchange(told_, done) != done) {
        moved_ = now;  // also where a second try comes to what the first one did
    }
    if (done <= done_ || samples_.empty()) {
        return;
    }
    done_ = done;
    moved_ = now;
    if (samples_.size() > 1 && now - samples_.back().at < shortest_interval) {
        samples_.back().done = done;
        return;
    }
    samples_.push_back({now, done});
    while (samples_.size() > fewest_samples && samples_[1].at <= now - window) {
        samples_.pop_front();
    }
}

std::optional<std::chrono::duration<double>> Progress::interval() const {
    if (samples_.size() < 2) {
        return std::nullopt;
    }
    return Seconds(samples_.back().at - samples_.front().at) / static_cast<double>(samples_.size() - 1);
}

std::optional<double> Progress::rate(Clock::time_point now) const {
    const auto between = interval();
    if (!between) {
        return std::nullopt;
    }
    const auto moving = Seconds(samples_.back().at - samples_.front().at);
    const auto until_now = Seconds(now - samples_.front().at) - *between;
    const auto seconds = std::max({moving, until_now, Seconds(0.001)}).count();
    return static_cast<double>(samples_.back().done - samples_.front().done) / seconds;
}

PhaseView Progress::look(Clock::time_point now) const {
    PhaseView view;
    view.phase = phase_;
    view.unit = unit_;
    view.done = done_;
    view.planned = planned_;
    view.before = before_;
    view.lasts = std::chrono::floor<std::chrono::seconds>(now - begun_);
    view.quiet = std::chrono::floor<std::chrono::seconds>(now - moved_);
    if (planned_ > 0) {
        // To hundredths, rounded down: what is not done is not 100 %. Some 15 TB that are done may be just below it.
        const auto hundredths = std::floor(1e4 * static_cast<double>(done_) / static_cast<double>(planned_));
        view.percent = done_ == planned_ ? 100 : hundredths / 100;
        view.rate = rate(now);
    }
    if (view.rate && *view.rate > 0) {
        // Since the last move the next one has come nearer, but never further than one.
        const auto since = std::min(Seconds(now - moved_), *interval());
        const auto left = static_cast<double>(planned_ - done_) / *view.rate - since.count();
        view.left = std::chrono::seconds(static_cast<std::int64_t>(std::clamp(left, 0.0, most_seconds) + 0.5));
    }
    return view;
}

void LogPace::begin(Progress::Clock::time_point now) {
    *this = LogPace();
    last_ = now;
}

LogPace::Line LogPace::take(const PhaseView& view, Progress::Clock::time_point now) {
    const auto silent = now - last_;
    const auto percent = view.percent.value_or(percent_);
    const bool is_far = silent >= pause_between_lines && percent - percent_ >= step_between_lines;
    if (!is_far && silent < longest_silence) {
        return Line::none;
    }
    last_ = now;
    percent_ = percent;
    spoke_ = true;
    return is_far || view.quiet + 1s < silent ? Line::progress : Line::waiting;
}

}  // namespace patroni_pgbackrest
