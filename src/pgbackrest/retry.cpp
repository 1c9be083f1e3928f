#include "pgbackrest/retry.hpp"

#include "system/interruption.hpp"
#include "system/log.hpp"

#include <algorithm>
#include <utility>

namespace patroni_pgbackrest::pgbackrest {

namespace {
constexpr std::chrono::seconds longest_wait(300);

OnPause& watcher() {
    static OnPause only;
    return only;
}
}  // namespace

void watch_retries(OnPause on_pause) {
    watcher() = std::move(on_pause);
}

Retries::Retries(const RetryPolicy& policy) : policy_(policy), next_wait_(std::min(policy.wait, longest_wait)) {}

bool Retries::another(const std::string& what_happened) {
    if (used_ >= policy_.retries) {
        return false;
    }
    ++used_;
    log::warning("{}, trying again in {} s ({} of {})", what_happened, next_wait_.count(), used_, policy_.retries);
    if (watcher()) {
        watcher()(what_happened, next_wait_);
    }
    interruption::sleep(next_wait_);
    next_wait_ = std::min(next_wait_ * 2, longest_wait);
    return true;
}

}  // namespace patroni_pgbackrest::pgbackrest
