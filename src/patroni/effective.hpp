#pragma once

#include "yaml/tree.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// An entry of `postgresql` as Patroni sees it during a bootstrap: the local one, or else that of bootstrap.dcs
/// (config.py _build_effective_configuration; __main__.py loads bootstrap.dcs while the DCS has no configuration).
const yaml::Entry* effective(const yaml::Node& local, const yaml::Node& dynamic, std::string_view key);

/// Patroni keeps server and recovery parameters in case-insensitive dictionaries.
const yaml::Entry* find_any_case(const yaml::Node& map, std::string_view name);

/// A server parameter. For each parameter, the local value comes first.
const yaml::Entry* parameter(const yaml::Node& local, const yaml::Node& dynamic, std::string_view name);

/// A method of create_replica_methods (create_replica_method in old files) and its block; null if it has none.
struct ReplicaMethod {
    yaml::NodePtr name;
    const yaml::Entry* block;
};
std::vector<ReplicaMethod> replica_methods(const yaml::Node& local, const yaml::Node& dynamic);

}  // namespace patroni_pgbackrest::patroni
