#pragma once

#include "pgbackrest/command_line.hpp"
#include "pgbackrest/info.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace patroni_pgbackrest::pgbackrest {

/// The files at the top of the data directory in a manifest (`pg_data/postgresql.conf={…}`, format 5, 2.33 to 2.60);
/// empty if the text is no manifest.
std::optional<std::set<std::string>> top_files_in(std::string_view manifest);

/// Asks the repository for the manifest of a backup, which has a line for each file. Empty if it cannot be read.
std::optional<std::set<std::string>> top_files_of(const Pgbackrest& pgbackrest, const Backup& backup);

}  // namespace patroni_pgbackrest::pgbackrest
