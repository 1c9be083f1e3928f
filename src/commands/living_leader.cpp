#include "commands/living_leader.hpp"

#include "patroni/dynamic_modes.hpp"
#include "system/interruption.hpp"
#include "system/log.hpp"

namespace patroni_pgbackrest::commands {

std::chrono::seconds time_to_expire(const patroni::ConfigurationSource& source, const std::string& scope,
                                    const patroni::ScopeState& state) {
    constexpr std::chrono::seconds cycle{5};
    return patroni::modes_in_force(patroni::with_dcs(source, scope, state)).ttl + cycle;
}

patroni::ScopeState without_dead_leader(const patroni::ConfigurationSource& source, const std::string& scope,
                                        patroni::ScopeState first) {
    // Unless the same answer, a TTL later, would tell of a dead leader, there is nothing to wait for.
    if (!patroni::is_dead_leader(first, first)) {
        return first;
    }
    const auto pause = time_to_expire(source, scope, first);
    log::info("{} leads scope {} by what Kubernetes keeps: asking again in {} s, by when a leader that lives will have "
              "renewed it",
              *first.leadership.leader, scope, pause.count());
    interruption::sleep(pause);
    auto second = patroni::read_scope(source, scope);
    if (!second.leadership.why_unknown.empty()) {
        return first;  // silence is no sign of death
    }
    if (patroni::is_dead_leader(first, second)) {
        log::warning("{} has not renewed its record as leader of scope {}: it counts as dead",
                     *second.leadership.leader, scope);
        second.leadership.leader.reset();
    }
    return second;
}

}  // namespace patroni_pgbackrest::commands
