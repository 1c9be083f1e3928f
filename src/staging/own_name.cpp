#include "staging/own_name.hpp"

#include <fmt/format.h>

namespace patroni_pgbackrest {

std::optional<Failure> refuse_without_name(const std::string& own_name, const patroni::ScopeState& dcs) {
    const auto& leader = dcs.leadership.leader;
    const auto member = leader                       ? *leader
                        : !dcs.bootstrapping.empty() ? dcs.bootstrapping.front()
                        : !dcs.members.empty()       ? dcs.members.front()
                                                     : std::string();
    if (!own_name.empty() || member.empty()) {
        return std::nullopt;
    }
    return Failure(
        ExitCode::usage,
        fmt::format("name is missing, so whether {} in the DCS is this node or another cannot be told", member),
        "set name in patroni.yml, or PATRONI_NAME: Patroni does not start without it either");
}

}  // namespace patroni_pgbackrest
