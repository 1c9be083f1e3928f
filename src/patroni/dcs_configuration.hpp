#pragma once

#include "system/finding.hpp"
#include "yaml/tree.hpp"

#include <string>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// The tree of patroni.yml as Patroni sees it where the DCS holds a configuration (`json`): that one counts, and
/// bootstrap.dcs does not, at a bootstrap too, and post_bootstrap writes the former back (__main__.py and ha.py, 2.0 to
/// 4.1). It takes the place of bootstrap.dcs, and what is in it has its key for a place: `/config in the DCS,
/// postgresql.parameters.archive_mode`. Without a section `bootstrap` the tree stays as it is: nothing is bootstrapped
/// then.
yaml::NodePtr with_dcs_configuration(const yaml::Node& tree, const std::string& json);

/// What is said of bootstrap.dcs, said of the DCS: nobody reads bootstrap.dcs then, so the hint gets the command that
/// changes the DCS. `edit` is that command but for what to change (ScopeState::how_to_edit()); if it is empty,
/// bootstrap.dcs counts, and the problem stays as it is. So does one of anything else.
Problem said_of_dcs(Problem problem, const std::string& edit);
std::vector<Problem> said_of_dcs(std::vector<Problem> problems, const std::string& edit);
std::vector<Finding> said_of_dcs(std::vector<Finding> findings, const std::string& edit);

}  // namespace patroni_pgbackrest::patroni
