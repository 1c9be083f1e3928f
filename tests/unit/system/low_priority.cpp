#include "system/low_priority.hpp"

#include "support/catch.hpp"
#include "support/forked.hpp"

#include <fstream>
#include <sched.h>
#include <sys/resource.h>

using namespace patroni_pgbackrest;

TEST_CASE("a process behind others is the first to end where memory is short") {
    system::Forked process([] {
        system::run_behind_others();
        int score = 0;
        std::ifstream("/proc/self/oom_score_adj") >> score;
        const bool is_last = ::getpriority(PRIO_PROCESS, 0) != 19 || ::sched_getscheduler(0) == SCHED_IDLE;
        return score == 1000 && ::getpriority(PRIO_PROCESS, 0) > 0 && is_last ? 0 : 1;
    });
    CHECK(process.wait() == 0);
}
