#pragma once

#include <functional>
#include <sys/types.h>

/// The only place that asks the kernel how a child ended; by number, so that nobody's child is taken from him.
namespace patroni_pgbackrest::process::reaper {

using OnEnd = std::function<void(int wait_status)>;

/// Catches SIGCHLD from now on; before the first fork.
void watch();
/// Calls `on_end` from the event loop, or from collect(), once `pid` has ended.
void expect(pid_t pid, OnEnd on_end);
/// Asks now instead of at the next SIGCHLD.
void collect();
/// From now on children that nobody expects are orphans that the kernel gave us, and are reaped too.
void reap_orphans();

}  // namespace patroni_pgbackrest::process::reaper
