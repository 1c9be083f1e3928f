#pragma once

#include "commands/bootstrap.hpp"

#include <map>
#include <string>
#include <vector>

namespace patroni_pgbackrest::commands {

/// Patroni 3.2 and later append every key of the method's block as `--key=value`, printed as Python prints it (True,
/// ['a', 'b'], a timestamp without its own zone), after --scope and --datadir, or right after the method's command line
/// with no_params (bootstrap.py, _custom_bootstrap). The block itself is read instead: those words are taken off. Only
/// for a call by Patroni.
std::vector<std::string> without_appended(const std::vector<std::string>& words, const patroni::MethodBlock& block);

/// What the call by Patroni of this very program has, and the block's command line and keys do not explain: Patroni
/// goes by what it read before patroni.yml was changed (config.py keeps it until a restart or SIGHUP), and the call
/// would be a mixture of both. Empty if there is nothing, or where a script or shell may have added words.
std::optional<std::string> left_of_earlier_block(const std::vector<std::string>& words,
                                                 const patroni::MethodBlock& block);

/// PATRONI_* of this process's own environment.
std::map<std::string, std::string> own_patroni_environment();

/// The value of an option in a raw command line, `--name=value` or `--name value`.
std::optional<std::string> value_in(const std::vector<std::string>& words, const std::string& name);

/// Writes the log as the method's block says, unless the command line has said it (`given`), which main() has heeded.
void choose_log_format(const std::string& given, const std::optional<patroni::Configuration>& patroni);

/// The same of a command that takes the options of a restore.
void choose_log_format(const BootstrapArguments& arguments);

/// What stands before the program in the block's command (`env PGBACKREST_CONFIG=…`) holds for Patroni's call of it,
/// and so for a command that does, judges or rehearses the same. An empty variable of pgBackRest is none: see
/// drop_empty_variables().
void take_variables(const patroni::Configuration& configuration);

/// Everything that `bootstrap` is called with. `words`: the program's arguments from `bootstrap` on. Throws
/// Failure(usage) when patroni.yml cannot be read.
BootstrapArguments read_bootstrap_arguments(const std::vector<std::string>& words);

}  // namespace patroni_pgbackrest::commands
