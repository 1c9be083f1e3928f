#pragma once

#include "patroni/configuration.hpp"
#include "patroni/dcs_hosts.hpp"
#include "patroni/remainders.hpp"
#include "process/child.hpp"

#include <chrono>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// What the DCS says about a scope's leader.
struct Leadership {
    std::optional<std::string> leader;
    std::uint32_t timeline = 0;  ///< the leader's; 0 if unknown
    std::string why_unknown;     ///< empty if the DCS answered
};

/// The group of a Citus cluster that a node belongs to: a cluster of its own within the scope, with its own leader and
/// keys (Patroni 3.0 and later). Empty for any other node, and where citus.database is missing: Patroni takes nothing
/// of `citus` then (config.py _build_effective_configuration).
using CitusGroup = std::optional<std::uint64_t>;
/// `tree` is what load_tree() reads.
CitusGroup citus_group(const yaml::Node& tree);

/// The leader in the output of `patronictl list -f json`: role Leader or Standby Leader, never Sync…. Unknown if the
/// text is anything but a whole JSON array of members: patronictl may exit with 0 and half of its output. Of a Citus
/// cluster, the leader of `group`.
Leadership leader_in(std::string_view json, const CitusGroup& group = {});

/// The DCS's `/initialize` key.
enum class InitializeKey {
    absent,       ///< Patroni may call a bootstrap method
    empty,        ///< a bootstrap is under way, or was interrupted: nobody calls a bootstrap method now
    initialized,  ///< it holds the system identifier: the cluster was accepted
    unknown,
};

/// What a restarted node must know about its scope.
struct ScopeState {
    Leadership leadership;
    InitializeKey initialize = InitializeKey::unknown;
    std::string system_identifier;           ///< that the key holds; empty if it holds none
    bool configured = false;                 ///< the DCS holds a configuration: a leader or post_bootstrap wrote it
    unsigned loop_wait = 0;                  ///< in that configuration, in seconds; 0 if not set
    std::string configuration;               ///< that configuration, JSON; empty if there is none
    Remainders remainders;                   ///< of an earlier leader
    std::vector<std::string> members;        ///< all that are alive, or were until the TTL
    std::vector<std::string> bootstrapping;  ///< those that bootstrap right now
    bool states_expire = true;               ///< with a TTL; false on Kubernetes, where a dead pod's stands for ever
    CitusGroup group;                        ///< the only one that is looked at

    /// The command that takes the cluster out of the DCS: Patroni asks for the group of a Citus cluster.
    std::string how_to_remove(const std::string& scope) const;
    /// The command that changes its configuration in the DCS without a question, but for what to change. Options that
    /// do: `-s KEY=VALUE`, where null takes a key out, and `-p` for one of postgresql.parameters (ctl.py, 2.0 to 4.1).
    std::string how_to_edit(const std::string& scope) const;
    /// The command that makes a member leader, whatever its lag and its place in /sync and /failsafe are: once Patroni
    /// runs there, and nobody leads (ctl.py, api.py and ha.py, 2.0 to 4.1). A member without a name is `NAME`.
    std::string how_to_make_leader(const std::string& scope, const std::string& member) const;
};

/// Asks the DCS about a scope, in the background and read-only, through patronictl, which is run in its own Python so
/// that it tells the key as well: not every patronictl shows it (3.0.2 does not). Where patronictl is a wrapper or a
/// program, it is asked for the list, and Patroni's library in python3 for the key. Nothing is known if patronictl is
/// missing, no server of the DCS accepts a connection (3.0.2 would wait for them forever), or there is no answer within
/// `deadline`. That a DCS is away is known 2 s after the beginning.
class ScopeQuery {
  public:
    ScopeQuery(const ConfigurationSource& source, const std::string& scope, Silence silence = Silence::may_end,
               std::chrono::seconds deadline = longest_answer);
    /// The same with what load_tree() reads, where that is there already: a long file takes a while.
    ScopeQuery(const ConfigurationSource& source, const yaml::Node& tree, const std::string& scope, Silence silence,
               std::chrono::seconds deadline = longest_answer);
    ScopeQuery(const ScopeQuery&) = delete;
    ScopeQuery& operator=(const ScopeQuery&) = delete;

    ScopeState answer();

    /// Whether answer() would not wait.
    bool has_come();
    /// Waits for it, but no longer than `longest_look` from where patronictl begins to ask, which to start takes a
    /// second on a slow machine. False if it has not come: it still may.
    bool comes_in_time();
    /// Whether a server of the DCS accepts connections, and none has said a word since the beginning.
    bool is_silent() const { return look_.is_silent(); }

  private:
    bool has_begun_to_ask() const;

    CitusGroup group_;
    bool states_expire_;
    DcsLook look_;
    std::list<process::Capturing> running_;  // patronictl, a wrapper's list behind it; empty if there is no patronictl
};

/// Whether the leader that both answers name is dead, though Kubernetes keeps its record: it was not renewed in the TTL
/// between them. A leader renews it in each of its cycles (update_leader in kubernetes.py, 2.0 to 4.1).
bool is_dead_leader(const ScopeState& before, const ScopeState& now);

/// Its answer, waited for at once.
ScopeState read_scope(const ConfigurationSource& source, const std::string& scope, Silence silence = Silence::may_end,
                      std::chrono::seconds deadline = longest_answer);

/// The source with the configuration that the DCS holds, if that is known: whatever is judged is in force then.
ConfigurationSource with_dcs(ConfigurationSource source, const std::string& scope, const ScopeState& state);

/// The same; where it is not known what the DCS holds, without bootstrap.dcs as well: what is left is in force in any
/// case.
ConfigurationSource with_known_dcs(ConfigurationSource source, const std::string& scope, const ScopeState& state);

/// Takes over what Patroni's library says about the key; leaves all of it unknown if the answer is not the four whole
/// lines: the key, the configuration, the remainders, the system identifier.
void take_key(std::string_view answer, ScopeState& state);

/// Corrects by what Patroni's library says what the list of members has it wrong. It has no leader whose member is
/// gone, as a pod that was deleted by force, and Patroni takes the leader's record alone for one (is_unlocked in
/// dcs/__init__.py, 2.0 to 4.1). And it has pods whose containers have all ended, with the state that they had before.
void correct_list(ScopeState& state);

/// The names of all members; none if leader_in() does not know.
std::vector<std::string> members_in(std::string_view json, const CitusGroup& group = {});
/// The members whose state says that they bootstrap (`running custom bootstrap script`). Before 4.1, the state is plain
/// `starting` and `running` once the script has ended; while the key is empty, only a bootstrap can lead to these.
std::vector<std::string> bootstrapping_in(std::string_view json, InitializeKey key, const CitusGroup& group = {});

}  // namespace patroni_pgbackrest::patroni
