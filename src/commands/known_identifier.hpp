#pragma once

#include "patroni/configuration.hpp"
#include "patroni/members.hpp"

#include <optional>
#include <string>

namespace patroni_pgbackrest::commands {

/// The system identifier of the cluster that this node belongs to.
struct KnownIdentifier {
    std::string number;
    std::string known_from;  ///< for a message: `the DCS`, `/data/global/pg_control`
};

/// From the DCS (`state`), which has it for as long as it knows the scope; else from pg_control in patroni.yml's data
/// directory, whether a server runs there or not. Empty if neither has it, or nobody may read it.
std::optional<KnownIdentifier> known_identifier(const patroni::ScopeState& state,
                                                const patroni::Configuration& configuration);

}  // namespace patroni_pgbackrest::commands
