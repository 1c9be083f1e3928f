#pragma once

#include "patroni/configuration_edit.hpp"
#include "request/request.hpp"

#include <string>
#include <vector>

/// The target of a restore where it stands in a patroni.yml: in the method's block, its command and its recovery_conf.
namespace patroni_pgbackrest::commands {

/// Takes it out. What any restore needs stays: recovery_target_action promote, and recovery_target_timeline latest
/// where no target-timeline was asked for. Throws as ConfigurationEdit::remove(), and Failure(usage) where another
/// program's command has a part of it.
void remove_target(patroni::ConfigurationEdit& patroni_yml, const std::string& method);

/// Each part of it, `type=time`.
std::vector<std::string> target_settings(const patroni::ConfigurationEdit& patroni_yml, const std::string& method);

/// The names of what stayed in the block, and was not given: of the target of an earlier restore, to which the next one
/// would go again. `before` and `after` are of target_settings().
std::vector<std::string> kept_of_target(const std::vector<std::string>& before, const std::vector<std::string>& after,
                                        const std::vector<GivenOption>& given);

/// Whether there is any part of it, in another program's command, too.
bool has_target(const patroni::ConfigurationEdit& patroni_yml, const std::string& method);

}  // namespace patroni_pgbackrest::commands
