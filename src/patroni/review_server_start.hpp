#pragma once

#include "patroni/configuration.hpp"
#include "system/finding.hpp"

#include <filesystem>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// What PostgreSQL ends with at its start whatever the backup holds, as far as patroni.yml and this machine show it for
/// certain: no address that could be bound (StreamServerPort), no directory for a socket (CreateSocketLockFile), a file
/// of TLS (be_tls_init and check_ssl_key_file_permissions, 13 to 18). A library that is not installed is a warning, as
/// the backup's own configuration may say where libraries are. `binaries` has PostgreSQL's programs; `in_its_unit` is
/// whether Patroni calls: systemd makes directories in /run for a unit when it starts.
std::vector<Finding> review_server_start(const Configuration& configuration, const std::filesystem::path& binaries,
                                         bool in_its_unit);

}  // namespace patroni_pgbackrest::patroni
