#pragma once

#include "patroni/configuration.hpp"
#include "system/subprocess.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace patroni_pgbackrest::patroni {

/// The member that leads in the output of `patronictl list -f json`: role Leader, Standby Leader or Sync… never.
/// Empty when there is none, or the text is no such JSON.
std::optional<std::string> leader_in(std::string_view json);

/// What the DCS says about a scope's leader.
struct Leadership {
    std::optional<std::string> leader;
    std::string why_unknown;  ///< empty when the DCS was asked
};

/// Asks the DCS who leads a scope through patronictl, read-only, while something else is done. It is not known when
/// patronictl is missing or does not answer within `deadline` (3.0.2 waits for ever for a dead etcd).
class LeaderQuery {
  public:
    LeaderQuery(const ConfigurationSource& source, const std::string& scope,
                std::chrono::seconds deadline = std::chrono::seconds(10));
    Leadership answer();

  private:
    std::string why_not_;
    std::unique_ptr<system::Capturing> running_;
};

}  // namespace patroni_pgbackrest::patroni
