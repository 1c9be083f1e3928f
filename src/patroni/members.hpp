#pragma once

#include "patroni/configuration.hpp"
#include "process/child.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// Half a second on an idle machine; more is a DCS that does not answer, or a machine that has just been booted.
constexpr std::chrono::seconds longest_answer{20};

/// What the DCS says about a scope's leader.
struct Leadership {
    std::optional<std::string> leader;
    std::uint32_t timeline = 0;  ///< the leader's; 0 when it is not told
    std::string why_unknown;     ///< empty when the DCS was asked
};

/// The member that leads in the output of `patronictl list -f json`: role Leader, Standby Leader or Sync… never.
/// Without a leader when there is none, or the text is no such JSON.
Leadership leader_in(std::string_view json);

/// Asks the DCS who leads a scope through patronictl, read-only, while something else is done. It is not known when
/// patronictl is missing or does not answer within `deadline` (3.0.2 waits for ever for a dead etcd).
class LeaderQuery {
  public:
    LeaderQuery(const ConfigurationSource& source, const std::string& scope,
                std::chrono::seconds deadline = longest_answer);
    Leadership answer();

  private:
    std::string why_not_;
    std::unique_ptr<process::Capturing> running_;
};

/// The DCS's `/initialize` key.
enum class InitializeKey {
    absent,       ///< Patroni may call a bootstrap method
    empty,        ///< a bootstrap is under way, or was interrupted: nobody calls a bootstrap method any more
    initialized,  ///< it holds the system identifier: the cluster was accepted
    unknown,
};

/// What a node that comes back must know about its scope.
struct ScopeState {
    Leadership leadership;
    InitializeKey initialize = InitializeKey::unknown;
    bool configured = false;                 ///< the DCS holds a configuration: a leader or post_bootstrap wrote it
    unsigned loop_wait = 0;                  ///< of that, in seconds; 0 where it has none
    std::vector<std::string> members;        ///< all that are there, or were until the TTL
    std::vector<std::string> bootstrapping;  ///< those that run a bootstrap at this moment
};

/// Asks the DCS through patronictl, and about the key, which patronictl does not show everywhere (3.0.2 does not),
/// through Patroni's own library in patronictl's Python; read-only. Nothing is known when that does not answer within
/// `deadline`.
ScopeState read_scope(const ConfigurationSource& source, const std::string& scope,
                      std::chrono::seconds deadline = longest_answer);

/// The names of all members.
std::vector<std::string> members_in(std::string_view json);
/// The members whose state says that they bootstrap (`running custom bootstrap script`). Before 4.1 the state is plain
/// `starting` and `running` once the script has ended; while the key is empty only a bootstrap can bring that about.
std::vector<std::string> bootstrapping_in(std::string_view json, InitializeKey key);

}  // namespace patroni_pgbackrest::patroni
