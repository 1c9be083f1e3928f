#pragma once

#include "patroni/roles.hpp"
#include "postgres/client.hpp"
#include "postgres/private_server.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// Makes the roles as Patroni's post_bootstrap would, so that the passwords of patroni.yml hold also when Patroni was
/// interrupted and skips it. A failure is a warning: without an interruption Patroni does it itself, and with one it
/// says that it cannot log in. No password reaches a log or a command line.
void set_roles(const std::vector<patroni::Role>& roles, const postgres::PrivateServer& server,
               const std::filesystem::path& bin_directory);

/// The way into a private server: as the superuser of patroni.yml, else postgres, and with nothing of it in the
/// server's log.
postgres::Connection superuser_connection(const postgres::PrivateServer& server,
                                          const std::vector<patroni::Role>& roles);

/// The statements for that; `existing` are the names of the roles that are there.
std::string role_statements(const std::vector<patroni::Role>& roles, const std::vector<std::string>& existing);

}  // namespace patroni_pgbackrest
