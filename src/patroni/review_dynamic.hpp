#pragma once

#include "system/finding.hpp"
#include "yaml/tree.hpp"

#include <vector>

namespace patroni_pgbackrest::patroni {

/// The numbers of bootstrap.dcs: those that are none, and those with which a leader loses its lock or nobody gets it.
void review_dynamic(const yaml::Node& dcs, std::vector<Finding>& findings);

}  // namespace patroni_pgbackrest::patroni
