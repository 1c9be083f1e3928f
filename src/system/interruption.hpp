#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <sys/types.h>

/// SIGTERM, SIGINT, SIGHUP and the death of the process that called us, turned into one exception at a safe place.
namespace patroni_pgbackrest::interruption {

/// The program's one event loop: signals, children, pipes and timers. Only the main thread runs it.
boost::asio::io_context& event_loop();

/// Catches the three signals from now on. Called once, first thing in main.
void install();

/// Treats the end of `caller`, which must be an ancestor of this process, as SIGTERM (polled every 200 ms, and by a
/// parent-death signal where it is the direct parent): a restore never works on for a Patroni that is gone, which the
/// systemd units' KillMode=process would otherwise allow.
void watch_caller(pid_t caller);

/// Whether one of them has arrived; runs ready events first.
bool requested();

/// Throws Failure(terminated, interrupted or hangup) if one has arrived. Cheap: for loops that walk over files.
void check();

/// Runs the next event, or none when `at_most` passes first. Never throws by itself: for those who end children.
void run_one_event(std::chrono::milliseconds at_most);

/// Waits, still running events; throws as check() does as soon as one arrives.
void sleep(std::chrono::milliseconds duration);

}  // namespace patroni_pgbackrest::interruption
