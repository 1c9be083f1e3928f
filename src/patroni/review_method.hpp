#pragma once

#include "patroni/configuration.hpp"
#include "system/finding.hpp"

#include <set>
#include <string>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// Whether bootstrap.method names a block whose command does not call patroni_pgbackrest bootstrap: nothing of the
/// block is ours then, unless it is a script that does. `tree` is the merged configuration.
bool runs_another_program(const yaml::Node& tree);

/// The options of our block without a value, and those that YAML takes for a boolean, but for `flags`: Python prints
/// them as None, True or False, and Patroni (3.2 and later) passes that on.
std::vector<Finding> review_values(const ConfigurationSource& source, const std::set<std::string>& flags);

}  // namespace patroni_pgbackrest::patroni
