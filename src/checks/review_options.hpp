#pragma once

#include "request/request.hpp"
#include "system/finding.hpp"

#include <vector>

namespace patroni_pgbackrest {

/// What pgBackRest's configuration or the environment says of a restore, and what is not used here.
std::vector<Finding> review_options(const Request& request);

/// Whether pgBackRest takes the options of the restore: see pgbackrest::read_options().
std::vector<Finding> review_restore_options(const Request& request);

/// Whether the archive_command of patroni.yml would find the restored cluster: archive-push refuses ([032], [055],
/// [073]) when pg1-path is another directory than that of the server which calls it.
std::vector<Finding> review_pg_path(const Request& request);

}  // namespace patroni_pgbackrest
