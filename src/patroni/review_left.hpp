#pragma once

#include "system/finding.hpp"
#include "yaml/tree.hpp"

#include <string>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// A configuration that an earlier cluster left in the DCS (`left`) counts at a bootstrap, and bootstrap.dcs (`own`)
/// does not; post_bootstrap writes the former back (__main__.py and ha.py, 2.0 to 4.1). One warning that names what
/// differs, without values; none if nothing does. `how_to_remove` is a command.
std::vector<Finding> review_left(const yaml::Node& own, const yaml::Node& left, const std::string& scope,
                                 const std::string& how_to_remove);

}  // namespace patroni_pgbackrest::patroni
