#include "process/bandwidth.hpp"

#include "system/failure.hpp"
#include "system/interruption.hpp"
#include "system/log.hpp"
#include "system/process_facts.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <system_error>
#include <unistd.h>

namespace patroni_pgbackrest::process {

namespace {

constexpr std::chrono::milliseconds between_looks(200);
/// In seconds of the rate.
constexpr double most_credit = 1;
/// A child that is stopped for minutes would be taken for one that makes no progress: run().
constexpr double most_debt = 30;

/// Wakes up whoever waits for an event, and does nothing else. Ends with its owner.
void keep_awake(const std::weak_ptr<boost::asio::steady_timer>& timer) {
    const auto living = timer.lock();
    if (!living) {
        return;
    }
    living->expires_after(between_looks);
    living->async_wait([timer](const boost::system::error_code& error) {
        if (!error) {
            keep_awake(timer);
        }
    });
}

bool may_be_stopped(pid_t pid) {
    std::error_code error;
    const auto path = std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", error);
    const auto program = path.filename().string();
    return !error && !program.starts_with("postgres") && !program.starts_with("psql") && ::getsid(pid) == ::getsid(0);
}

/// A child that is handed on to a process of its own session is in no orphaned process group
/// (will_become_orphaned_pgrp in Linux's exit.c). In a container the first process may be a shell that we were called
/// from.
void warn_of_first_process() {
    if (::getpid() != 1 && ::getsid(1) == ::getsid(0)) {
        log::write(
            Problem{"if this program is killed (SIGKILL), what is stopped for --bandwidth stays stopped: process 1, "
                    "to which it falls, belongs to the same session",
                    "call it with setsid --wait"},
            log::Level::warning);
    }
}

}  // namespace

BandwidthLimit::BandwidthLimit(std::uint64_t bytes_a_second)
    : rate_(static_cast<double>(bytes_a_second)), tree_(::getpid()),
      timer_(std::make_shared<boost::asio::steady_timer>(interruption::event_loop())), at_(Clock::now()) {
    if (!system::disk_bytes(::getpid())) {
        throw Failure(ExitCode::preflight_refused,
                      "bandwidth cannot be kept: /proc/self/io does not tell how much is read and written",
                      "leave it out; what limits a service is IOReadBandwidthMax and IOWriteBandwidthMax of its unit");
    }
    warn_of_first_process();
    moved_ = moved_by_all();
    keep_awake(timer_);
}

BandwidthLimit::~BandwidthLimit() {
    go_on();
}

void BandwidthLimit::keep() {
    tree_.refresh();
    keep(moved_by_all(), Clock::now());
}

void BandwidthLimit::keep(std::uint64_t moved, Clock::time_point now) {
    const auto seconds = std::chrono::duration<double>(now - at_).count();
    const auto more = moved > moved_ ? static_cast<double>(moved - moved_) : 0.0;
    credit_ = std::clamp(credit_ + rate_ * seconds - more, -most_debt * rate_, most_credit * rate_);
    moved_ = moved;
    at_ = now;
    if (credit_ < 0) {
        stop();
    } else {
        go_on();
    }
}

/// What a process has moved becomes its parent's when that reaps it (wait_task_zombie in Linux's exit.c), so the sum
/// forgets nothing.
std::uint64_t BandwidthLimit::moved_by_all() const {
    std::uint64_t sum = system::disk_bytes(::getpid()).value_or(0);
    for (const auto& [pid, process] : tree_.members()) {
        sum += system::disk_bytes(pid).value_or(0);
    }
    return sum;
}

/// What somebody else has stopped, a debugger or a person, is his to let go on.
void BandwidthLimit::stop() {
    for (const auto& [pid, process] : tree_.members()) {
        const bool goes_on = !process.is_zombie() && !process.is_stopped();
        if (goes_on && may_be_stopped(pid) && ::kill(pid, SIGSTOP) == 0) {
            stopped_.insert(pid);
        }
    }
}

void BandwidthLimit::go_on() {
    for (const pid_t pid : stopped_) {
        if (tree_.members().count(pid) != 0) {
            ::kill(pid, SIGCONT);
        }
    }
    stopped_.clear();
}

}  // namespace patroni_pgbackrest::process
