#include "system/interruption.hpp"

#include "system/failure.hpp"
#include "system/process_facts.hpp"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <fmt/format.h>
#include <optional>
#include <pthread.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <utility>

namespace patroni_pgbackrest::interruption {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds shortest_between_looks(200), longest_between_looks(1000);

struct Caller {
    pid_t pid;
    unsigned long long start_time;
    bool is_parent;

    /// A parent's children get another one before its death signal is sent, and that before it is seen as a zombie
    /// (forget_original_parent and exit_notify in Linux's exit.c).
    bool is_gone() const {
        return (is_parent && ::getppid() != pid) || start_time == 0 || !system::may_be_running(pid, start_time);
    }
};

/// Lives as long as the process: exit must not destroy what a signal handler or a child's launcher still uses.
struct Watch {
    boost::asio::signal_set signals = boost::asio::signal_set(event_loop());
    boost::asio::steady_timer caller_timer = boost::asio::steady_timer(event_loop());
    std::optional<Caller> caller;
    int arrived = 0;  ///< the first signal; 0 if none so far
    bool caller_is_gone = false;
    std::function<void()> look;
    Clock::time_point looked_at{};
};

Watch& watch() {
    static auto* const only = new Watch;
    return *only;
}

void note(int signal) {
    Watch& state = watch();
    if (state.arrived != 0) {
        return;
    }
    state.arrived = signal;
    // The parent-death signal is a SIGTERM as well. Whether the caller is still there tells the two apart.
    state.caller_is_gone = signal == SIGTERM && state.caller && state.caller->is_gone();
}

void await_signal() {
    watch().signals.async_wait([](const boost::system::error_code& error, int signal) {
        if (error) {
            return;
        }
        note(signal);
        await_signal();
    });
}

void await_end_of_caller() {
    Watch& state = watch();
    if (state.caller->is_gone()) {
        return note(SIGTERM);
    }
    state.caller_timer.expires_after(std::chrono::milliseconds(200));
    state.caller_timer.async_wait([](const boost::system::error_code& error) {
        if (!error) {
            await_end_of_caller();
        }
    });
}

bool is_ignored(int signal) {
    struct sigaction current {};
    return ::sigaction(signal, nullptr, &current) == 0 && current.sa_handler == SIG_IGN;
}

}  // namespace

boost::asio::io_context& event_loop() {
    static auto* const loop = new boost::asio::io_context(1);
    return *loop;
}

void install() {
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t ours;
    sigemptyset(&ours);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
        // nohup(1) asks us to continue after a hangup.
        if (signal == SIGHUP && is_ignored(signal)) {
            continue;
        }
        watch().signals.add(signal);
        sigaddset(&ours, signal);
    }
    await_signal();
    ::pthread_sigmask(SIG_UNBLOCK, &ours, nullptr);
}

void watch_caller(pid_t caller) {
    const auto status = system::status_or_throw(caller);
    watch().caller = Caller{caller, status && !status->is_zombie() ? status->start_time : 0, caller == ::getppid()};
    if (watch().caller->is_parent) {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    }
    await_end_of_caller();
}

void run_one_event(std::chrono::milliseconds at_most) {
    auto& loop = event_loop();
    // Without work a loop returns at once instead of waiting.
    const auto work = boost::asio::make_work_guard(loop);
    loop.restart();
    loop.run_one_for(at_most);
}

bool requested() {
    event_loop().restart();
    event_loop().poll();
    return watch().arrived != 0;
}

Watching::Watching(std::function<void()> on_look) {
    watch().look = std::move(on_look);
}

Watching::~Watching() {
    watch().look = nullptr;
}

void look() {
    auto& state = watch();
    const auto now = Clock::now();
    if (state.look && now - state.looked_at >= shortest_between_looks) {
        state.looked_at = now;
        state.look();
    }
}

void check() {
    if (!requested()) {
        look();
        return;
    }
    const Watch& state = watch();
    if (state.caller_is_gone) {
        throw Failure(ExitCode::terminated, fmt::format("the calling Patroni (process {}) is gone", state.caller->pid),
                      "run it again");
    }
    if (state.arrived == SIGINT) {
        throw Failure(ExitCode::interrupted, "ended by SIGINT", "run it again");
    }
    if (state.arrived == SIGHUP) {
        throw Failure(ExitCode::hangup, "ended by SIGHUP", "run it again");
    }
    throw Failure(ExitCode::terminated, "ended by SIGTERM", "run it again");
}

void sleep(std::chrono::milliseconds duration) {
    const auto end = Clock::now() + duration;
    check();
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
        if (left.count() <= 0) {
            return;
        }
        run_one_event(std::min(left, longest_between_looks));
        check();
    }
}

}  // namespace patroni_pgbackrest::interruption
