#pragma once

#include "pgbackrest/restore_options.hpp"
#include "system/failure.hpp"

#include <optional>
#include <string>

namespace patroni_pgbackrest::pgbackrest {

/// What one of pgBackRest's commands takes for an option that is not on its command line, and from where: see
/// configured_restore_options(). Throws as read_configuration().
std::optional<ConfiguredOption> option_in_force(const Pgbackrest& pgbackrest, const std::string& command,
                                                const std::string& name);

/// The same without the environment.
std::optional<ConfiguredOption> option_in_files(const Pgbackrest& pgbackrest, const std::string& command,
                                                const std::string& name);

/// The same failure with the place of the option that pgBackRest complains about (`'7' is not allowed for 'buffer-size'
/// option`), where one that it names stands in the environment or in the files.
Failure with_place_of_option(const Pgbackrest& pgbackrest, const std::string& command, const Failure& failure);

}  // namespace patroni_pgbackrest::pgbackrest
