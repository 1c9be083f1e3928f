#pragma once

#include "commands/configure.hpp"
#include "patroni/configuration_edit.hpp"

#include <optional>
#include <string>

namespace patroni_pgbackrest::commands {

/// The stanza that is given, else the one of the block that is meant, else the one that all commands of patroni.yml
/// name; nothing if none does. Throws Failure(usage) where they name several, and where a command of pgbackrest has its
/// stanza from where it cannot be seen.
std::optional<std::string> known_stanza(const patroni::ConfigurationEdit& patroni_yml,
                                        const ConfigureArguments& arguments, const std::string& method);

}  // namespace patroni_pgbackrest::commands
