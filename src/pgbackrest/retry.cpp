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
    const auto wait = next(what_happened);
    if (!wait) {
        return false;
    }
    if (watcher()) {
        watcher()(what_happened, *wait);
    }
    interruption::sleep(*wait);
    return true;
}

std::optional<std::chrono::seconds> Retries::next(const std::string& what_happened) {
    if (used_ >= policy_.retries) {
        return std::nullopt;
    }
    ++used_;
    const auto wait = next_wait_;
    log::warning("{}, trying again in {} s ({} of {})", what_happened, wait.count(), used_, policy_.retries);
    next_wait_ = std::min(wait * 2, longest_wait);
    return wait;
}

}  // namespace patroni_pgbackrest::pgbackrest
