#pragma once

#include "patroni/configuration.hpp"
#include "yaml/tree.hpp"

#include <chrono>
#include <cstdint>

namespace patroni_pgbackrest::patroni {

/// What of the dynamic configuration decides whether Patroni calls a bootstrap method, starts the server of a data
/// directory that it finds, and lets it lead; and how long what a member wrote about itself stands in the DCS.
struct DynamicModes {
    bool pause = false;
    bool synchronous = false;             ///< synchronous_mode, with `quorum` among its values
    bool failsafe = false;                ///< failsafe_mode (Patroni 3.0 and later)
    std::uint64_t maximum_lag = 1048576;  ///< maximum_lag_on_failover, in bytes; Patroni's default if it is no number
    std::chrono::seconds ttl{30};         ///< the same; two minutes at the most
};

/// `dcs` is bootstrap.dcs, or what the DCS holds in its place. Values are read as Patroni does (check_mode and
/// parse_bool, 2.0 to 4.1): a word that is no truth value is false.
DynamicModes modes_of(const yaml::Node& dcs);

/// Those of the configuration that the source says is in force. Throws Failure(usage) as read_configuration().
DynamicModes modes_in_force(const ConfigurationSource& source);

}  // namespace patroni_pgbackrest::patroni
