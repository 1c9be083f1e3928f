#pragma once

#include "commands/configure.hpp"
#include "commands/configured_repository.hpp"
#include "patroni/configuration.hpp"
#include "patroni/configuration_edit.hpp"

namespace patroni_pgbackrest::commands {

/// The replica method: Patroni restores with `pgbackrest --delta restore` (its documentation, "Building replicas"),
/// then with basebackup.
void write_replica_method(patroni::ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments,
                          const NamedRepository& repository, const patroni::DcsConfiguration& dcs);

}  // namespace patroni_pgbackrest::commands
