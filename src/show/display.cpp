#include "show/display.hpp"

#include "pgbackrest/retry.hpp"
#include "show/progress_text.hpp"
#include "show/waiting.hpp"
#include "staging/memory.hpp"
#include "system/interruption.hpp"
#include "system/lock.hpp"
#include "system/log.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <ctime>
#include <filesystem>
#include <fmt/format.h>
#include <system_error>
#include <utility>

namespace patroni_pgbackrest {

namespace {

using Clock = Progress::Clock;
using namespace std::chrono_literals;

constexpr auto tick = 1s;
constexpr auto pause_between_status_files = 3s;
/// Processes are looked at only when nothing has moved for as long.
constexpr auto quiet_enough = 30s;

std::uint64_t seconds_between(postgres::WalTime from, postgres::WalTime to) {
    return to <= from ? 0 : static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(to - from).count());
}

/// Of a way whose end is a target: the second in which it lies counts as a whole, so that what has not come there is
/// not all of it, and there is a plan where the way is shorter.
std::uint64_t seconds_to_target(postgres::WalTime from, postgres::WalTime target) {
    return target <= from ? 0 : seconds_between(from, target - 1us) + 1;
}

std::int64_t seconds_since_1970(postgres::WalTime at) {
    return std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
}

/// How long the next run of this request waits.
std::chrono::seconds pause_before_next_run(const std::filesystem::path& failure_file, std::int64_t now) {
    try {
        const auto kept = EarlierFailure::read(failure_file);
        return kept ? pause_after(kept->in_a_row, kept->at, now) : 0s;
    } catch (const Failure&) {
        return 0s;
    }
}

}  // namespace

struct RunDisplay::State : std::enable_shared_from_this<RunDisplay::State> {
    explicit State(bool may_draw) : timer(interruption::event_loop()), draws(may_draw) {
        status.process = ProcessMark::of_this_process();
        status.started = std::time(nullptr);
        progress.begin("request", phase_began);
        pace.begin(phase_began);
    }

    void await_tick() {
        timer.expires_after(tick);
        timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (!error && !self->is_over) {
                self->look();
                self->await_tick();
            }
        });
    }

    /// What is due now: a line or the bar, and the status file.
    void look() {
        try {
            const auto now = Clock::now();
            const auto view = progress.look(now);
            if (wait_ends && *wait_ends <= now) {
                go_on();
            }
            const auto line = pace.take(view, now);
            const bool is_status_due = now - written_at >= pause_between_status_files;
            if (view.quiet < quiet_enough) {
                status.waits_for.clear();
            } else if (status.state == RunStatus::State::running && (is_status_due || line != LogPace::Line::none)) {
                status.waits_for = what_this_run_waits_for();
            }
            const auto columns = draws ? log::terminal_columns() : std::nullopt;
            if (columns) {
                show_bar(view, *columns);
            }
            if (line == LogPace::Line::waiting) {
                say(waiting_line(view, status.waits_for), view);
            } else if (line == LogPace::Line::progress && !columns) {
                say(progress_line(view, status.position), view);
            }
            if (is_status_due) {
                write(view);
            }
        } catch (const std::exception& error) {
            log::debug("what runs is not shown: {}", error.what());
        }
    }

    void say(const std::string& line, const PhaseView& view) {
        log::write(log::Level::info, line, progress_fields(view, status.position, status.waits_for));
    }

    void show_bar(const PhaseView& view, std::size_t columns) {
        const bool is_worth_it = view.percent || view.lasts >= 2s;
        log::show_below(is_worth_it ? bar(view, commit, columns - 1) : "");
        had_bar = had_bar || is_worth_it;
    }

    void end_phase() {
        const auto now = Clock::now();
        const auto view = progress.look(now);
        log::show_below("");
        if ((pace.spoke() || (had_bar && view.lasts >= 2s)) && view.percent) {
            say(summary_line(view), view);
        }
        const auto seconds = std::chrono::duration<double>(now - phase_began).count();
        status.phases.emplace_back(view.phase, seconds);
        measured.seconds[view.phase] = seconds;  // of the last one, where it was begun again
        if (has_waited && view.phase == "copy") {
            measured.bytes = 0;
        } else if (has_waited && view.phase == "replay") {
            measured.segments = 0;
        }
    }

    void begin_phase(const std::string& name) {
        go_on();
        status.position.clear();
        commit.clear();
        status.waits_for.clear();
        status.last_error.reset();
        first_commit.reset();
        is_planned = had_bar = has_waited = false;
        first_segment.reset();
        phase_began = Clock::now();
        progress.begin(name, phase_began);
        pace.begin(phase_began);
        write(progress.look(phase_began));
    }

    /// The last error stays until the next phase.
    void go_on() {
        wait_ends.reset();
        status.state = RunStatus::State::running;
        status.next_try.reset();
    }

    /// A restore does not fail for it, and does not say it every three seconds either.
    void write(const PhaseView& view) {
        status.phase = view;
        status.updated = std::time(nullptr);
        std::error_code error;
        if (!layout || is_left || !std::filesystem::is_directory(layout->workspace, error)) {
            return;
        }
        if (!lock.take(layout->workspace)) {
            return;  // until the other run ends
        }
        status.process.has_lock = lock.hold_any();
        written_at = Clock::now();
        try {
            write_status(status, layout->status());
        } catch (const std::exception& failure) {
            if (!std::exchange(has_complained, true)) {
                log::warning("{}: status does not tell of this run", failure.what());
            }
        }
    }

    void end(RunStatus::State state) {
        is_over = true;
        is_left = false;
        timer.cancel();
        end_phase();
        status.waits_for.clear();
        status.state = state;
        if (state == RunStatus::State::done && layout && layout->inside) {
            layout.reset();  // no more of ours than needed stays in the data directory; the journal tells the same
        }
        write(progress.look(Clock::now()));
    }

    boost::asio::steady_timer timer;
    bool draws;
    Clock::time_point phase_began = Clock::now(), written_at{};
    Progress progress;
    LogPace pace;
    RunStatus status;
    std::optional<Layout> layout;
    system::DirectoryLocks lock;  ///< whose holder writes the status file
    std::string recovery;
    std::size_t planned_segments = 0;
    RecoveryTarget target{Latest{}};
    std::optional<postgres::WalTime> first_commit;
    std::string commit;  ///< that the replay has come to, on a terminal
    std::optional<Clock::time_point> wait_ends;
    MeasuredRun measured;
    std::optional<std::size_t> first_segment;  ///< that this replay was given: how many are before it
    bool is_planned = false, had_bar = false, has_waited = false, has_complained = false, is_over = false,
         is_left = false;
};

RunDisplay::RunDisplay(bool draws) : state_(std::make_shared<State>(draws)) {
    state_->await_tick();
    pgbackrest::watch_retries([this](const std::string& why, std::chrono::seconds pause) { wait(why, pause); });
}

RunDisplay::~RunDisplay() {
    pgbackrest::watch_retries({});
    state_->is_over = true;
    state_->timer.cancel();
    log::show_below("");
}

void RunDisplay::about(const ClusterNames& names) {
    state_->status.scope = names.scope;
    state_->status.stanza = names.stanza;
}

void RunDisplay::about(const patroni::ScopeState& state) {
    if (state.leadership.why_unknown.empty()) {
        state_->status.members = state.members;
        state_->status.leader = state.leadership.leader.value_or("");
    }
}

void RunDisplay::about(const Request& request) {
    about(ClusterNames{request.scope, request.pgbackrest.stanza});
    auto& status = state_->status;
    status.data_directory = request.data_directory.string();
    status.target = request.target.text();
    state_->recovery = text(request.recovery);
}

void RunDisplay::about(const Plan& plan) {
    state_->planned_segments = plan.wal.segments;
    state_->measured.segment_size = plan.segment_size.bytes;
    state_->target = plan.target;
    state_->status.target = plan.target.text();
    state_->status.plan = {plan.backup.label, plan.backup.repository, plan.timeline().number, state_->recovery,
                           plan.wal.segments, plan.wal.first(),       plan.wal.last(),        plan.backup.size};
    if (plan.last_commit) {
        state_->status.window_end = seconds_since_1970(plan.last_commit->latest_end);
    }
}

void RunDisplay::about(const Reached& reached) {
    auto& status = state_->status;
    status.reached = reached_text(reached);
    if (const auto time = Time::parse(reached.time.value_or(""))) {
        status.reached_time = seconds_since_1970(time->at);
        if (state_->target.is_latest()) {
            status.window_end = status.reached_time;
        }
    }
}

void RunDisplay::keep_status(const Layout& layout) {
    state_->layout = layout;
    state_->is_left = false;
    state_->write(state_->progress.look(Clock::now()));
}

void RunDisplay::leave_status() {
    state_->is_left = true;
    state_->lock = system::DirectoryLocks();
}

void RunDisplay::phase(const std::string& name) {
    state_->end_phase();
    state_->begin_phase(name);
}

void RunDisplay::counted(Unit unit, std::uint64_t done, std::uint64_t planned) {
    auto& progress = state_->progress;
    if (planned == 0) {
        return;
    }
    if (!std::exchange(state_->is_planned, true)) {
        progress.plan(unit, planned, done, Clock::now());
    } else {
        progress.advance(done, Clock::now());
    }
}

void RunDisplay::replayed_to(const ReplayPosition& position) {
    auto& state = *state_;
    if (!state.first_commit) {
        state.first_commit = position.commit;
    }
    if (position.behind) {
        state.first_segment = state.first_segment.value_or(*position.behind);
        state.measured.segments = *position.behind - std::min(*state.first_segment, *position.behind);
    }
    state.status.position = position_text(position);
    if (position.commit) {
        state.commit = instant(seconds_since_1970(*position.commit));
    }
    state.progress.stir(Clock::now());
    const auto amount = replay_amount(state.planned_segments, state.target, position, state.first_commit);
    counted(amount.unit, amount.done, amount.planned);
}

void RunDisplay::wait(const std::string& why, std::chrono::seconds pause) {
    auto& status = state_->status;
    const auto now = std::time(nullptr);
    status.state = RunStatus::State::waiting;
    status.waits_for.clear();
    status.last_error = {0, why, "", now};
    status.next_try = now + pause.count();
    state_->wait_ends = Clock::now() + pause;
    state_->has_waited = true;
    state_->write(state_->progress.look(Clock::now()));
}

void RunDisplay::done() {
    state_->go_on();
    state_->status.last_error.reset();
    state_->end(RunStatus::State::done);
}

void RunDisplay::copies(std::uint64_t bytes) {
    state_->measured.bytes = bytes;
}

MeasuredRun RunDisplay::measured() const {
    auto run = state_->measured;
    run.at = state_->status.updated;
    return run;
}

const RunStatus& RunDisplay::status() const {
    return state_->status;
}

void RunDisplay::failed(const Failure& failure) {
    auto& status = state_->status;
    const auto now = std::time(nullptr);
    const auto& problem = failure.problems().front();
    const auto message = problem.place.empty() ? problem.message : problem.place + ": " + problem.message;
    status.last_error = {static_cast<int>(failure.code()), message, problem.hint, now};
    status.next_try.reset();
    if (!failure.is_lasting()) {
        const auto pause = state_->layout ? pause_before_next_run(state_->layout->failure(), now) : 0s;
        status.next_try = now + pause.count();
    }
    state_->end(is_interruption(failure.code()) ? RunStatus::State::interrupted : RunStatus::State::failed);
}

ReplayAmount replay_amount(std::size_t planned_segments, const RecoveryTarget& target, const ReplayPosition& position,
                           const std::optional<postgres::WalTime>& first) {
    const auto* time = std::get_if<Time>(&target.point);
    if (time == nullptr) {
        return {Unit::segments, planned_segments, position.behind.value_or(0)};
    }
    if (!first) {
        return {Unit::time, 0, 0};
    }
    const auto planned = seconds_to_target(*first, time->at);
    const auto done = position.commit ? seconds_between(*first, *position.commit) : 0;
    return {Unit::time, planned, std::min(done, planned)};
}

std::string position_text(const ReplayPosition& position) {
    return position.commit ? fmt::format("at {}, commits up to {}", position.at.text(), Time{*position.commit}.text())
                           : fmt::format("at {}", position.at.text());
}

}  // namespace patroni_pgbackrest
