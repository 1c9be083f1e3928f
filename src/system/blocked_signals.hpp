#pragma once

#include <csignal>
#include <pthread.h>

namespace patroni_pgbackrest::system {

/// These signals wait until the end of its life, in the thread that made it.
class BlockedSignals {
  public:
    explicit BlockedSignals(const sigset_t& signals) { ::pthread_sigmask(SIG_BLOCK, &signals, &before_); }
    ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    BlockedSignals(const BlockedSignals&) = delete;
    BlockedSignals& operator=(const BlockedSignals&) = delete;

  private:
    sigset_t before_{};
};

/// No signal reaches a handler of ours in a new child, where it would write into the pipe it shares with this process.
inline sigset_t all_signals() {
    sigset_t all;
    sigfillset(&all);
    return all;
}

/// In a child: each does again what it does to any program, and none is blocked.
inline void reset_signals() {
    for (int number = 1; number < NSIG; ++number) {
        ::signal(number, SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace patroni_pgbackrest::system
