#pragma once

#include "patroni/roles.hpp"
#include "postgres/client.hpp"
#include "postgres/living_server.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// One way to connect to a server of this machine.
struct Way {
    postgres::Connection connection;
    std::string text;  ///< `as postgres through /run/postgresql`, without a secret
};

/// The ways to the server that `file` tells of, the likeliest first: as patroni.yml's superuser through its socket, the
/// same through TCP (what Patroni itself does without use_unix_socket), and through the socket as libpq's own
/// default user, whom pg_hba.conf may know as a peer; first as that user if PGUSER is set. None when the server listens
/// nowhere.
std::vector<Way> ways_to_server(const postgres::PostmasterFile& file, const std::filesystem::path& data_directory,
                                const SuperuserAccess& access, bool pguser_is_set);

}  // namespace patroni_pgbackrest::patroni
