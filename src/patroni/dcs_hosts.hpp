#pragma once

#include "patroni/configuration.hpp"
#include "system/reachable.hpp"
#include "yaml/tree.hpp"

#include <map>
#include <string>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// The servers that Patroni's DCS client asks first, in the forms of etcd, etcd3, consul and zookeeper (dcs/etcd.py,
/// consul.py, zookeeper.py, 2.0 to 4.1), with the PATRONI_* variables for them. Empty if that is not known: another
/// DCS, several of them, SRV records, no host at all.
std::vector<system::Endpoint> dcs_hosts(const yaml::Node& tree, const std::map<std::string, std::string>& environment);

/// Why the DCS need not be asked: none of its servers accepts a connection. Empty if one does, or if they are not
/// known. Within 3 s, where patronictl waits for as long as it is let.
std::string why_dcs_is_away(const ConfigurationSource& source);

}  // namespace patroni_pgbackrest::patroni
