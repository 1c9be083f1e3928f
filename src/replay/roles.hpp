#pragma once

#include "patroni/roles.hpp"
#include "postgres/client.hpp"
#include "postgres/private_server.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// Makes the roles as Patroni's post_bootstrap would, so that the passwords of patroni.yml hold also when Patroni was
/// interrupted and skips it; its superuser, too, as which Patroni logs in before it makes the others. Returns the
/// superuser that is there then. Throws Failure(preflight_refused) when patroni.yml names a superuser that the cluster
/// does not have, and nobody can log in to make it. Any other failure is a warning: without an interruption Patroni
/// makes them itself, and with one it says that it cannot log in. No password reaches a log or a command line.
std::string set_roles(const std::vector<patroni::Role>& roles, const postgres::PrivateServer& server,
                      const std::filesystem::path& bin_directory);

/// The way into a private server as a superuser, with nothing of it in the server's log, and with damaged pages as
/// errors.
postgres::Connection superuser_connection(const postgres::PrivateServer& server, const std::string& superuser,
                                          const std::string& database);

/// The statements for that; `existing` are the names of the roles that are there.
std::string role_statements(const std::vector<patroni::Role>& roles, const std::vector<std::string>& existing);

}  // namespace patroni_pgbackrest
