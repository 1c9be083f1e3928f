#pragma once

#include "pgbackrest/command_line.hpp"

#include <filesystem>
#include <vector>

namespace patroni_pgbackrest::pgbackrest {

/// Where pgBackRest's restore and archive-get write beside what they are asked for, their lock-path and spool-path:
/// log-path as the configuration and the environment have it for whatever command (/var/log/pgbackrest), and what the
/// ssh that it starts keeps in ~/.ssh. Throws as read_configuration().
std::vector<std::filesystem::path> working_places(const Pgbackrest& pgbackrest);

}  // namespace patroni_pgbackrest::pgbackrest
