#pragma once

#include "patroni/configuration.hpp"
#include "yaml/tree.hpp"

#include <optional>
#include <string>

namespace patroni_pgbackrest::commands {

/// The system identifier of the cluster that this node belongs to.
struct KnownIdentifier {
    std::string number;
    std::string known_from;  ///< for a message: `the DCS`, `/data/global/pg_control`
};

/// From the DCS, which has it for as long as it knows the scope; else from pg_control in patroni.yml's data directory,
/// whether a server runs there or not. Empty if neither has it, or nobody may read it. `tree` and `configuration` are
/// what was read from `source`.
std::optional<KnownIdentifier> known_identifier(const patroni::ConfigurationSource& source, const yaml::Node& tree,
                                                const patroni::Configuration& configuration);

}  // namespace patroni_pgbackrest::commands
