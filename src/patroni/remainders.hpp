#pragma once

#include "patroni/dynamic_modes.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// What the leader of an earlier cluster has left in the DCS beside the initialize key and the configuration, as far as
/// Patroni looks at it before a node that runs as a standby may lead (is_healthiest_node in ha.py, 2.0 to 4.1). The
/// first leader after Patroni's own bootstrap takes the lead without that (post_bootstrap there).
struct Remainders {
    std::uint64_t last_lsn = 0;         ///< of /status, or /optime/leader: where the leader's WAL ended
    std::vector<std::string> sync;      ///< in /sync: the leader and its synchronous standbys
    std::vector<std::string> failsafe;  ///< in /failsafe: all members
    bool failover = false;              ///< /failover is there: neither the lag nor /failsafe is looked at then
    std::string renewed{};              ///< when the leader's record was renewed last; empty but on Kubernetes
    std::string leader{};               ///< whom the leader's record names, a member or not
    std::vector<std::string> ended{};   ///< pods whose containers have all ended for good; none but on Kubernetes

    bool operator==(const Remainders&) const = default;
};

/// In the JSON that Patroni's library tells; empty if that is not whole.
std::optional<Remainders> remainders_in(std::string_view json);

/// What of it may keep `member` from leading for ever, with the keys' names; empty if nothing does. `end` is where the
/// member's WAL ends. Without it, any position may be too far; a member without a name is in no key.
std::vector<std::string> remainders_in_the_way(const Remainders& left, const DynamicModes& modes,
                                               const std::string& member, std::optional<std::uint64_t> end);

}  // namespace patroni_pgbackrest::patroni
