#pragma once

#include "system/finding.hpp"
#include "yaml/tree.hpp"

#include <vector>

namespace patroni_pgbackrest::patroni {

/// Keys of postgresql and of bootstrap.dcs that stand a level too high or too low. `tree` is the merged configuration.
void review_levels(const yaml::Node& tree, std::vector<Finding>& findings);

}  // namespace patroni_pgbackrest::patroni
