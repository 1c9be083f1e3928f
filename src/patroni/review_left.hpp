#pragma once

#include "system/finding.hpp"
#include "yaml/tree.hpp"

#include <string>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// Commands: ScopeState's.
struct HowToChange {
    std::string remove, edit;
};

/// A configuration that an earlier cluster left in the DCS (`left`) counts at a bootstrap, and bootstrap.dcs (`own`)
/// does not; post_bootstrap writes the former back (__main__.py and ha.py, 2.0 to 4.1). All findings are about what
/// counts, so this one says no more than why bootstrap.dcs is not looked at. One warning that names what differs,
/// without values; none if nothing does.
std::vector<Finding> review_left(const yaml::Node& own, const yaml::Node& left, const std::string& scope,
                                 const HowToChange& how);

}  // namespace patroni_pgbackrest::patroni
