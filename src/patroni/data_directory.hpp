#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// What makes a data directory one with data: all names in it but those that start with a dot and lost+found
/// (postgresql/__init__.py data_directory_empty, 2.0 to 4.1). Empty when it does not exist.
std::vector<std::string> entries_for_patroni(const std::filesystem::path& data_directory);

/// Whether Patroni would call a bootstrap method for it: it does not exist, or has none of those.
bool is_empty_for_patroni(const std::filesystem::path& data_directory);

}  // namespace patroni_pgbackrest::patroni
