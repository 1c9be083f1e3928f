#pragma once

#include "patroni/configuration.hpp"
#include "postgres/configuration.hpp"

#include <filesystem>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// config_dir, or the data directory. One inside of PGDATA is that of `data_directory`, which may be staging.
std::filesystem::path config_directory(const Configuration& configuration, const std::filesystem::path& data_directory);

/// Restores one missing file of config_dir from its backup, as Patroni does before the first start. Patroni keeps it in
/// PGDATA (config.py, 2.0 to 4.1), and in config_dir where Debian packaged it (its 3.0.2 does).
void restore_from_backup(const std::filesystem::path& file, const std::filesystem::path& data_directory);

/// `<config_dir or PGDATA>/<config_base_name>.base.conf`. Patroni includes this file first and never changes it, so it
/// is the only place where a restore_command survives a restart of Patroni.
std::filesystem::path base_configuration_path(const Configuration& configuration,
                                              const std::filesystem::path& data_directory);

/// Writes one marked block with `settings` into the base configuration file of `data_directory`, which may be staging.
/// First it does with the two files what Patroni would do on its first start: a missing file is restored from its
/// `*.backup`, and if there is no base file, postgresql.conf becomes it. Throws Failure(usage) if custom_conf replaces
/// the base file, Failure(verification_failed) if there is neither file nor backup.
void write_block(const Configuration& configuration, const std::filesystem::path& data_directory,
                 const std::vector<postgres::Setting>& settings);

/// Removes the block and leaves everything else as it was, byte for byte. True if there was one.
bool remove_block(const std::filesystem::path& base_configuration);

}  // namespace patroni_pgbackrest::patroni
