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

}  // namespace patroni_pgbackrest::system
