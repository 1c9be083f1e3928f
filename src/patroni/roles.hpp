#pragma once

#include "patroni/configuration.hpp"
#include "postgres/configuration.hpp"
#include "system/finding.hpp"

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
/// separately, so that passwords are kept no longer than needed. `login`: as whom libpq logs in where no superuser is
/// named, which Patroni leaves to it. Throws Failure(usage) as read_configuration().
std::vector<Role> read_roles(const ConfigurationSource& source, const std::optional<std::string>& login = {});

/// As whom libpq logs in by this environment, which is Patroni's as well; empty without PGUSER and passwd entry.
std::optional<std::string> login_of_libpq();

/// Names without which Patroni's custom bootstrap ends with a KeyError, when the data directory is there already
/// (replication in postgresql/config.py replace_pg_hba, rewind in bootstrap.py post_bootstrap, 2.0 to 4.1). `tree` is
/// the source's.
void review_roles(const yaml::Node& tree, const ConfigurationSource& source, std::vector<Finding>& findings);

/// As whom Patroni itself connects to its PostgreSQL (postgresql/config.py local_connect_kwargs, 2.0 to 4.1).
struct SuperuserAccess {
    std::optional<std::string> user;          ///< absent: libpq takes the name of the system's user
    std::vector<postgres::Setting> keywords;  ///< libpq's: password, sslmode and the like
    std::string database = "postgres";        ///< postgresql.database
};

/// postgresql.authentication.superuser, overridden as read_roles() says. Throws Failure(usage) as read_configuration().
SuperuserAccess read_superuser_access(const ConfigurationSource& source);

}  // namespace patroni_pgbackrest::patroni
