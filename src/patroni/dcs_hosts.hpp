#pragma once

#include "patroni/configuration.hpp"
#include "system/reachable.hpp"
#include "yaml/tree.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// The servers that Patroni's DCS client asks first, in the forms of etcd, etcd3, consul and zookeeper (dcs/etcd.py,
/// consul.py, zookeeper.py, 2.0 to 4.1), with the PATRONI_* variables for them. Empty if that is not known: another
/// DCS, several of them, SRV records, no host at all.
std::vector<system::Endpoint> dcs_hosts(const yaml::Node& tree, const std::map<std::string, std::string>& environment);

/// Whether the DCS is Kubernetes. What a member or a leader wrote there stays until somebody changes it: Patroni counts
/// a leader's time from when it first saw its record, and a member's state is an annotation of its pod
/// (kubernetes.py, 2.0 to 4.1). Everywhere else both go with their TTL.
bool is_on_kubernetes(const yaml::Node& tree, const std::map<std::string, std::string>& environment);

/// How long a DCS is waited for that is away: a SYN that was lost is sent again after a second.
constexpr std::chrono::milliseconds longest_look{2000};

/// An answer takes half a second on an idle machine. If it takes longer, the DCS does not answer, or the machine has
/// just booted.
constexpr std::chrono::seconds longest_answer{20};

/// What is thought of a DCS that accepts connections and is silent for `longest_look`, as one behind a proxy may be.
enum class Silence {
    may_end,  ///< patronictl is asked: what a restore decides must not depend on how fast the DCS is
    is_away,
};

/// Looks in the background whether any server of the DCS is there. patronictl waits for as long as it is let. One whose
/// silence may end is listened to for `longest_answer`.
class DcsLook {
  public:
    /// `tree` is what load_tree() reads.
    DcsLook(const ConfigurationSource& source, const yaml::Node& tree, Silence silence);

    /// Why the DCS need not be asked. Empty if one of its servers is there, or if that is not known: the servers are
    /// not, or the resolver is away. Within `longest_look` after the beginning.
    std::string why_away() const;
    /// Whether why_away() would not wait.
    bool is_known() const;
    /// Whether a server accepts connections, and none has said a word so far.
    bool is_silent() const;

  private:
    std::vector<system::Endpoint> endpoints_;
    std::optional<system::Reaching> reaching_;
    Silence silence_;
};

}  // namespace patroni_pgbackrest::patroni
