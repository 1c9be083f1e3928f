#pragma once

#include "patroni/configuration.hpp"
#include "postgres/configuration.hpp"

#include <filesystem>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// `<config_dir or PGDATA>/<config_base_name>.base.conf`: the file that Patroni includes first and never changes, so
/// the only place where a restore_command survives a restart of Patroni.
std::filesystem::path base_configuration_path(const Configuration& configuration,
                                              const std::filesystem::path& data_directory);

/// Puts one marked block with `settings` into the base configuration file of `data_directory` (which may be staging),
/// after having done with these two files what Patroni would do on its first start: where they are missing they come
/// back from `*.backup`, then postgresql.conf becomes the base file where there is none. Throws Failure(usage) when
/// custom_conf takes the base file out of force, Failure(verification_failed) when there is neither file nor backup.
void write_block(const Configuration& configuration, const std::filesystem::path& data_directory,
                 const std::vector<postgres::Setting>& settings);

/// Takes the block out again, everything else byte for byte as it was. True when there was one.
bool remove_block(const std::filesystem::path& base_configuration);

}  // namespace patroni_pgbackrest::patroni
