#pragma once

#include "commands/configured_repository.hpp"
#include "patroni/configuration.hpp"
#include "patroni/effective.hpp"
#include "system/failure.hpp"

#include <optional>
#include <string>

namespace patroni_pgbackrest::commands {

/// Whether what is at the path stands in the DCS, which is only read, and not in a file.
bool is_in_dcs(const yaml::Path& path, const patroni::DcsConfiguration& dcs);

/// The restore_command that `configure` gives to standbys.
std::string standbys_command(const NamedRepository& repository, bool patroni_mode);

/// Throws Failure(usage) if a command of the DCS names another stanza than `stanza` only: that one is in force.
void require_stanza_of_dcs(const patroni::DcsConfiguration& dcs, const std::string& stanza);

/// Where the DCS has what counts for standbys (`in_force`): the restore_command that it should have, and with `edit`
/// (DcsConfiguration's) the command that writes it. Empty if it has one that fits.
std::optional<Problem> restore_command_in_dcs(const patroni::RecoveryConf& in_force, const NamedRepository& repository,
                                              bool patroni_mode, const std::string& edit);

}  // namespace patroni_pgbackrest::commands
