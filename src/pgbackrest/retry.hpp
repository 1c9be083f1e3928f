#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace patroni_pgbackrest::pgbackrest {

/// How often, and with what pause, an error that may pass is tried again. The pause `wait` doubles each time up to five
/// minutes.
struct RetryPolicy {
    unsigned retries = 5;
    std::chrono::seconds wait = std::chrono::seconds(5);
};

/// Told of each pause before it begins, with what happened.
using OnPause = std::function<void(const std::string& what_happened, std::chrono::seconds pause)>;
/// For all operations of the program from now on; empty: nobody.
void watch_retries(OnPause on_pause);

/// The remaining tries of one operation.
class Retries {
  public:
    explicit Retries(const RetryPolicy& policy);

    /// Logs what happened and waits (throws if interrupted); false if no try is left: `pgbackrest exited with code 49
    /// (host-connect), trying again in 10 s (2 of 5)`.
    bool another(const std::string& what_happened);
    /// The same for who waits by himself, and that long; empty if no try is left. Nobody is told of the pause.
    std::optional<std::chrono::seconds> next(const std::string& what_happened);

  private:
    RetryPolicy policy_;
    unsigned used_ = 0;
    std::chrono::seconds next_wait_;
};

}  // namespace patroni_pgbackrest::pgbackrest
