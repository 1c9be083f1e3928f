#pragma once

#include "yaml/document.hpp"

#include <map>
#include <string>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// One file's content. Throws Failure(usage) unless it is a map.
yaml::Document read_map(const std::string& text, const std::string& name);

/// What the files hold, merged as Patroni merges them, with the PATRONI_* overrides that concern us.
yaml::NodePtr merged(const std::vector<yaml::NodePtr>& files, const std::map<std::string, std::string>& environment);

}  // namespace patroni_pgbackrest::patroni
