#pragma once

#include "commands/configure.hpp"
#include "patroni/configuration_edit.hpp"
#include "system/failure.hpp"

#include <string>
#include <vector>

namespace patroni_pgbackrest::commands {

/// The method's block that is meant: the one that is named, the one that is in force when it calls this program, else
/// `pgbackrest`. Throws Failure(usage) for a name that Patroni uses for something else.
std::string method_of(const ConfigureArguments& arguments, const patroni::ConfigurationEdit& patroni_yml);

/// bootstrap.method, its block, and what else of bootstrap and postgresql is wished. What `dcs` holds counts instead of
/// bootstrap.dcs, and is not written: what should be changed there is returned, with the command that does it. Throws
/// Failure(usage).
std::vector<Problem> add_bootstrap(patroni::ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments,
                                   const std::string& method, const std::string& stanza,
                                   const patroni::DcsConfiguration& dcs = {});

/// `system-identifier` into the method's block: which cluster a restore brings back, whatever else the stanza holds.
void add_system_identifier(patroni::ConfigurationEdit& patroni_yml, const std::string& method,
                           const std::string& identifier);

/// Throws Failure(usage) with every problem that `bootstrap` would have with the result.
void require_accepted(const patroni::ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments);

}  // namespace patroni_pgbackrest::commands
