#include "process/end_processes.hpp"

#include "process/reaper.hpp"
#include "process/subprocess.hpp"
#include "system/interruption.hpp"
#include "system/log.hpp"

#include <cerrno>
#include <csignal>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace patroni_pgbackrest::process {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds pause{20};
constexpr std::chrono::seconds patience_after_kill{2};

}  // namespace

void end_processes(ProcessTree& tree, int first, std::chrono::milliseconds grace) {
    const auto kill_at = Clock::now() + grace;
    const pid_t root = tree.root();
    bool asked = false;
    while (true) {
        reaper::collect();
        tree.refresh();
        if (tree.members().empty()) {
            return;
        }
        if (Clock::now() >= kill_at) {
            tree.signal(SIGKILL);
        } else if (!asked && (first == SIGTERM || tree.members().count(root) == 0)) {
            tree.signal(SIGTERM);
            asked = true;
        }
        if (Clock::now() >= kill_at + patience_after_kill) {
            log::warning("process {} does not end even after SIGKILL", tree.members().begin()->first);
            return;
        }
        interruption::run_one_event(pause);
    }
}

void adopt_orphans() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    reaper::reap_orphans();
}

void end_descendants(std::chrono::milliseconds grace) {
    siginfo_t any{};
    if (::waitid(P_ALL, 0, &any, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD) {
        return;  // without a child there is no descendant either; reading the process table takes milliseconds
    }
    ProcessTree tree{::getpid()};
    end_processes(tree, SIGTERM, grace);
}

}  // namespace patroni_pgbackrest::process
