#pragma once

#include "commands/bootstrap.hpp"
#include "request/request.hpp"

#include <filesystem>

namespace patroni_pgbackrest::commands {

/// Empties the spools that the restored cluster will archive through, and get WAL from. Where nothing says how it
/// archives, its own configuration does. `restored` may be staging.
void empty_spools(const BootstrapArguments& arguments, const Request& request, const std::filesystem::path& restored);

}  // namespace patroni_pgbackrest::commands
