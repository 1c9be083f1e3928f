#pragma once

#include "commands/configure.hpp"
#include "patroni/configuration_edit.hpp"
#include "pgbackrest/command_line.hpp"
#include "system/failure.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace patroni_pgbackrest::commands {

/// Where a patroni.yml's own pgbackrest commands find pgBackRest's configuration and the repository. A command of
/// another stanza does not count.
struct NamedRepository {
    std::string program, stanza;
    /// Of pgbackrest-config, config-path and config-include-path, those that are in force: given, of the method's
    /// block, or else what the commands name.
    std::vector<std::pair<std::string, std::string>> configuration;
    /// --repo1-path, PGBACKREST_REPO1_PATH and the like, which a restore does not take from patroni.yml.
    std::vector<std::string> repositories;
    yaml::Path path;  ///< of the command that has these
    /// Two commands name different ones, and nothing that is given or in the block decides. It matters only to who
    /// writes one.
    std::optional<Failure> conflict;
};

NamedRepository named_repository(const patroni::ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments,
                                 const std::string& method, const std::string& stanza);

/// How the restore finds pgBackRest's configuration: as it is given, as the block says, or as the variables before its
/// command do.
pgbackrest::Pgbackrest configured_pgbackrest(const patroni::ConfigurationEdit& patroni_yml,
                                             const ConfigureArguments& arguments, const std::string& method);

/// pgBackRest's command line for them: `pgbackrest --config=… --stanza=…`. Each word quoted for a shell.
std::string pgbackrest_call(const NamedRepository& repository);
/// The same for restore_command where it has to be the guard's.
std::string guard_call(const NamedRepository& repository);

/// What `configure` writes has no place for the repository that is named, nor for one of two that differ: throws
/// Failure(usage). With --replace it is the latter alone.
void refuse_loss_of_repository(const patroni::ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments,
                               const NamedRepository& repository);

}  // namespace patroni_pgbackrest::commands
