#pragma once

#include <chrono>
#include <string>

namespace patroni_pgbackrest::pgbackrest {

/// How often and how long apart something that may pass is tried again: `wait`, doubled each time up to five minutes.
struct RetryPolicy {
    unsigned retries = 5;
    std::chrono::seconds wait = std::chrono::seconds(5);
};

/// The tries that are left of one operation.
class Retries {
  public:
    explicit Retries(const RetryPolicy& policy);

    /// Says what happened and waits (throws when interrupted), or is false when no try is left:
    /// `pgbackrest exited with code 49 (host-connect), trying again in 10 s (2 of 5)`.
    bool another(const std::string& what_happened);

  private:
    RetryPolicy policy_;
    unsigned used_ = 0;
    std::chrono::seconds next_wait_;
};

}  // namespace patroni_pgbackrest::pgbackrest
