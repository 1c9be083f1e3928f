#pragma once

#include "commands/bootstrap.hpp"
#include "patroni/members.hpp"

#include <optional>
#include <string>

namespace patroni_pgbackrest::commands {

/// The scope of the command line, else that of the method's block or of patroni.yml; empty if there is none.
std::string scope_of(const BootstrapArguments& arguments);

/// What the DCS says of the scope; empty without patroni.yml or a scope.
std::optional<patroni::ScopeState> ask_scope(const BootstrapArguments& arguments, patroni::Silence silence);

/// The arguments with patroni.yml read as Patroni takes it: where the DCS holds a configuration, that one counts and
/// bootstrap.dcs does not. The same arguments where that is not known. Throws Failure(usage) as
/// read_bootstrap_arguments().
BootstrapArguments with_dcs(BootstrapArguments arguments, const patroni::ScopeState& state);

/// What counts at the bootstrap that `check` looks at. A scope that is initialised is taken out of the DCS before
/// (`patronictl remove`), and its configuration with it; of any other, the configuration stays.
patroni::ScopeState at_bootstrap(patroni::ScopeState state);

}  // namespace patroni_pgbackrest::commands
