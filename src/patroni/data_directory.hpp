#pragma once

#include <filesystem>

namespace patroni_pgbackrest::patroni {

/// Whether Patroni would call a bootstrap method for it: it does not exist, or holds nothing but names that start with
/// a dot and lost+found (postgresql/__init__.py data_directory_empty, 2.0 to 4.1).
bool is_empty_for_patroni(const std::filesystem::path& data_directory);

}  // namespace patroni_pgbackrest::patroni
