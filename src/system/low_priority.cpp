#include "system/low_priority.hpp"

#include "system/log.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace patroni_pgbackrest::system {

namespace {

// linux/ioprio.h, which glibc has no function for: the class is in the upper three of 16 bits.
constexpr int of_a_process = 1;
constexpr int idle_class = 3;
constexpr int class_shift = 13;
constexpr int lowest = 19;

/// proc_pid_oom_score_adj(5): the highest may be chosen without a privilege.
constexpr int first_to_end = 1000;

}  // namespace

void run_behind_others() {
    errno = 0;
    if (::getpriority(PRIO_PROCESS, 0) == 0 && errno == 0 && ::setpriority(PRIO_PROCESS, 0, lowest) != 0) {
        log::warning("nice {} is refused: {}", lowest, std::strerror(errno));
    }
    const sched_param none{};
    if (::sched_getscheduler(0) == SCHED_OTHER && ::getpriority(PRIO_PROCESS, 0) == lowest &&
        ::sched_setscheduler(0, SCHED_IDLE, &none) != 0) {
        log::warning("scheduling policy idle is refused: {}", std::strerror(errno));
    }
    const auto own = ::syscall(SYS_ioprio_get, of_a_process, 0);
    const bool is_chosen = own > 0 && (own >> class_shift) != 0;
    if (!is_chosen && ::syscall(SYS_ioprio_set, of_a_process, 0, idle_class << class_shift) != 0) {
        log::warning("I/O class idle is refused: {}", std::strerror(errno));
    }
    if (!(std::ofstream("/proc/self/oom_score_adj") << first_to_end << std::flush)) {
        log::warning("/proc/self/oom_score_adj cannot be written: where memory is short, others may be ended first");
    }
}

int own_priority() {
    return ::getpriority(PRIO_PROCESS, 0);
}

}  // namespace patroni_pgbackrest::system
