#pragma once

#include "postgres/client.hpp"
#include "system/finding.hpp"

#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// Runs pg_amcheck (PostgreSQL 14 and later) over every database that has the extension amcheck; as long as it makes
/// progress. Corruption is an error, a program or an extension that is not there a warning.
/// `check_of_repository`: the command line that the hint names.
std::vector<Finding> look_for_corruption(const postgres::Client& client, const std::string& check_of_repository);

}  // namespace patroni_pgbackrest
