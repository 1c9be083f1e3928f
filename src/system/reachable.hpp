#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace patroni_pgbackrest::system {

/// Where a TCP server listens: a name or an address, and a port or the name of a service.
struct Endpoint {
    std::string host;
    std::string port;

    bool operator==(const Endpoint&) const = default;
};

/// Whether a connection to one of them can be made within `limit`, name resolution included. All are tried at once.
bool any_is_reachable(const std::vector<Endpoint>& endpoints, std::chrono::milliseconds limit);

}  // namespace patroni_pgbackrest::system
