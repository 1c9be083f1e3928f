#pragma once

#include "patroni/configuration.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace patroni_pgbackrest::patroni {

/// The member that leads in the output of `patronictl list -f json`: role Leader, Standby Leader or Sync… never.
/// Empty when there is none, or the text is no such JSON.
std::optional<std::string> leader_in(std::string_view json);

/// Asks the DCS who leads this scope, through patronictl, read-only. Empty when nobody does, and, with a warning, when
/// patronictl is missing or does not answer within `deadline` (3.0.2 waits for ever for a dead etcd).
std::optional<std::string> find_leader(const ConfigurationSource& source, const std::string& scope,
                                       std::chrono::seconds deadline = std::chrono::seconds(10));

}  // namespace patroni_pgbackrest::patroni
