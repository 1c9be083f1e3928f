#pragma once

namespace patroni_pgbackrest::system {

/// From now on this process, and whatever it starts, gets the processors when nobody else wants them (SCHED_IDLE of
/// sched(7), nice 19), and the disk when nobody else does (I/O class idle). The policy, since who wakes up does not
/// take a processor at once from a nice process in the middle of its slice (Linux 6.6 and later). Which I/O scheduler
/// heeds that is the kernel's affair (ioprio_set(2)). What the caller has chosen with nice(1) or ionice(1) stays. Where
/// memory is short they are the first that the kernel ends. Nothing that is refused keeps the work from being done: a
/// warning says so.
void run_behind_others();
/// The nice value of this process.
int own_priority();

}  // namespace patroni_pgbackrest::system
