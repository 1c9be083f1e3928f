#pragma once

#include "postgres/configuration.hpp"
#include "request/request.hpp"

#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// Whether the restored cluster may archive into the stanza it was restored from. `altered`: its postgresql.auto.conf,
/// which hides what patroni.yml says. Where neither says it, the restored configuration decides: it may.
bool would_archive_into(const Request& request, const std::vector<postgres::Setting>& altered = {});

/// The archive_command that is in force in the restored cluster; empty where neither says one.
std::optional<std::string> archive_command_in_force(const Request& request,
                                                    const std::vector<postgres::Setting>& altered);

/// The settings of its postgresql.auto.conf without which patroni.yml, which archives elsewhere or not at all, is in
/// force: what ALTER SYSTEM said of the source was not meant for a clone of it. Empty when nothing hides patroni.yml's.
std::vector<std::string> archiving_to_reset(const Request& request, const std::vector<postgres::Setting>& altered);

/// WAL that arrives in the stanza while we restore means that the old cluster is alive. Two clusters that archive into
/// one stanza destroy each other's archive: throws Failure(unsafe), unless the request says that the source is fenced
/// or the restored cluster archives elsewhere, which is a warning then. `arrived` names what has come.
void refuse_living_source(const Request& request, const std::string& arrived,
                          const std::vector<postgres::Setting>& altered = {});

}  // namespace patroni_pgbackrest
