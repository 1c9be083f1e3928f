#pragma once

#include "request/request.hpp"

#include <string>

namespace patroni_pgbackrest {

/// Whether the restored cluster, configured as patroni.yml says, may archive into the stanza it was restored from.
/// Where patroni.yml does not say it, or is not there, the restored configuration decides: it may.
bool would_archive_into(const Request& request);

/// WAL that arrives in the stanza while we restore means that the old cluster is alive. Two clusters that archive into
/// one stanza destroy each other's archive: throws Failure(unsafe), unless the request says that the source is fenced
/// or the restored cluster archives elsewhere, which is a warning then. `arrived` names what has come.
void refuse_living_source(const Request& request, const std::string& arrived);

}  // namespace patroni_pgbackrest
