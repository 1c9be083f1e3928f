#pragma once

#include "patroni/configuration.hpp"

#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// A role that Patroni's post_bootstrap creates or alters after a custom bootstrap (bootstrap.py, 2.0 to 4.1).
struct Role {
    enum class Kind { superuser, replication, rewind } kind;
    std::string name;
    std::optional<std::string> password;
};

/// postgresql.authentication, overridden by PATRONI_{SUPERUSER,REPLICATION,REWIND}_{USERNAME,PASSWORD}. Read
/// separately, so that passwords are kept no longer than needed. Throws Failure(usage) as read_configuration().
std::vector<Role> read_roles(const ConfigurationSource& source);

}  // namespace patroni_pgbackrest::patroni
