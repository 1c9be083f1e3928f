#pragma once

#include "patroni/configuration.hpp"
#include "patroni/members.hpp"
#include "yaml/tree.hpp"

#include <optional>
#include <string>

namespace patroni_pgbackrest::commands {

/// The system identifier of the cluster that this node belongs to.
struct KnownIdentifier {
    std::string number;
    std::string known_from;  ///< for a message: `the DCS`, `/data/global/pg_control`
};

/// Asks for it in the background.
class IdentifierQuery {
  public:
    /// `tree` is what was read from `source`.
    IdentifierQuery(const patroni::ConfigurationSource& source, const yaml::Node& tree);

    /// From the DCS, which has it for as long as it knows the scope; else from pg_control in patroni.yml's data
    /// directory, whether a server runs there or not. Empty if neither has it, or nobody may read it.
    std::optional<KnownIdentifier> answer(const patroni::Configuration& configuration);

  private:
    std::optional<patroni::ScopeQuery> scope_;  // empty if patroni.yml names none
};

}  // namespace patroni_pgbackrest::commands
