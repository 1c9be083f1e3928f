#pragma once

#include "patroni/members.hpp"
#include "plan/clusters.hpp"
#include "system/finding.hpp"

#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest::commands {

/// What keeps Patroni from calling a bootstrap method: a leader, or the `/initialize` key. A DCS that does not answer.
std::vector<Finding> review_scope(const std::string& scope, const patroni::ScopeState& state);

/// What an earlier leader left in the DCS, and would keep this node, `member`, from leading where its restore is
/// interrupted and `resume` ends it. A DCS without an initialize key alone: with one, patronictl remove comes first
/// anyway.
std::vector<Finding> review_remainders(const std::string& scope, const std::string& member,
                                       const patroni::ScopeState& state, const patroni::DynamicModes& modes);

/// As settle_cluster(). Where several clusters could be meant, the hint names the one that the DCS knows.
SettledCluster settle_cluster(const Request& request, const pgbackrest::Stanza& stanza,
                              const patroni::ScopeState& state);

/// The DCS knows another cluster than the one that would be restored, and the request does not say with
/// system-identifier that this is meant. `patronictl remove` takes the key away before a restore: nobody can compare
/// them any more then.
std::vector<Finding> review_cluster(const Request& request, const SettledCluster& settled,
                                    const patroni::ScopeState& state);

}  // namespace patroni_pgbackrest::commands
