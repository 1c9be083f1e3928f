#pragma once

#include "commands/bootstrap.hpp"
#include "commands/check_overview.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace patroni_pgbackrest::commands {

/// What the command line and patroni.yml show before anything is asked. Empty when no request can be made of them: why
/// is among the findings, unless the method's block is another program's. `root`: where to look for systemd's units
/// and for devices.
std::optional<Request> review_configuration(const BootstrapArguments& arguments, Overview& overview,
                                            std::vector<Finding>& findings, const std::filesystem::path& root = "/");

/// What patroni.yml alone shows.
std::vector<Finding> review_patroni_yml(const BootstrapArguments& arguments, const std::optional<Request>& request,
                                        const std::filesystem::path& root = "/");

}  // namespace patroni_pgbackrest::commands
