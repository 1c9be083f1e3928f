#pragma once

#include "pgbackrest/info.hpp"
#include "request/request.hpp"

namespace patroni_pgbackrest {

/// The backup set that the request names, else the newest that ends before the target. Throws
/// Failure(target_not_reachable) naming those there are, and Failure(usage) when nobody can know which sets end before
/// the target: a transaction or a restore point, several sets, and none is named.
pgbackrest::Backup choose_backup(const Request& request, const pgbackrest::Stanza& stanza);

}  // namespace patroni_pgbackrest
