#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <sys/types.h>

/// Turns SIGTERM, SIGINT, SIGHUP and the death of the calling process into one exception at a safe place.
namespace patroni_pgbackrest::interruption {

/// The program's one event loop: signals, children, pipes and timers. Only the main thread runs it.
boost::asio::io_context& event_loop();

/// Catches the three signals from now on. Called once, first thing in main.
void install();

/// Treats the end of `caller`, which must be an ancestor of this process, as SIGTERM. (It is polled every 200 ms; if it
/// is the direct parent, a parent-death signal is set as well.) A restore must never continue for a Patroni that is
/// gone, which the systemd units' KillMode=process would otherwise allow.
void watch_caller(pid_t caller);

/// Whether one of them has arrived; first runs the events that are ready.
bool requested();

/// Throws Failure(terminated, interrupted or hangup) if one has arrived; else look(). Cheap: for loops that walk over
/// files.
void check();

/// Runs the next event, or none if `at_most` passes first. Never throws by itself, so it can be used while children are
/// ended.
void run_one_event(std::chrono::milliseconds at_most);

/// While it lives, `on_look` is called by check(), by sleep() and by whoever waits for a child, at most five times a
/// second: what it throws ends the run at that place, as a signal would. One at a time.
class Watching {
  public:
    explicit Watching(std::function<void()> on_look);
    ~Watching();
    Watching(const Watching&) = delete;
    Watching& operator=(const Watching&) = delete;
};

/// Calls what is watching, if it is time.
void look();

/// Waits and keeps running events; throws as check() does as soon as one arrives.
void sleep(std::chrono::milliseconds duration);

}  // namespace patroni_pgbackrest::interruption
