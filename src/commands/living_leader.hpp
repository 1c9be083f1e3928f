#pragma once

#include "patroni/members.hpp"

#include <chrono>
#include <string>

namespace patroni_pgbackrest::commands {

/// After which a member that has died is gone from the DCS that gave the answer, or else known to be dead.
std::chrono::seconds time_to_expire(const patroni::ConfigurationSource& source, const std::string& scope,
                                    const patroni::ScopeState& state);

/// The answer `first`, without a leader that is dead. On Kubernetes, where its record stays, that takes another answer
/// a TTL later, which is returned then and may tell nothing; everywhere else the record is gone by itself.
patroni::ScopeState without_dead_leader(const patroni::ConfigurationSource& source, const std::string& scope,
                                        patroni::ScopeState first);

}  // namespace patroni_pgbackrest::commands
