#pragma once

#include "patroni/configuration.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// The names that make a data directory count as not empty: all except lost+found and those that start with a dot
/// (postgresql/__init__.py data_directory_empty, 2.0 to 4.1). Empty if it does not exist.
std::vector<std::string> entries_for_patroni(const std::filesystem::path& data_directory);

/// Whether pg_hba.conf is the one that Patroni writes for the time of a custom bootstrap, and replaces when
/// post_bootstrap has succeeded (replace_pg_hba in postgresql/config.py, 2.0 to 4.1). With a hba_file of one's own it
/// may stay for ever, and it is that file which comes into postgresql.conf then (write_postgresql_conf).
bool is_in_bootstrap(const std::filesystem::path& data_directory, const std::optional<Configuration>& configuration);

/// Whether Patroni would call a bootstrap method for it: it does not exist, or has no such name in it.
bool is_empty_for_patroni(const std::filesystem::path& data_directory);

}  // namespace patroni_pgbackrest::patroni
