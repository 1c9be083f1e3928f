#pragma once

#include "yaml/tree.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// An entry of `postgresql` as a bootstrapping Patroni sees it: the local one, else that of bootstrap.dcs (config.py
/// _build_effective_configuration; __main__.py loads bootstrap.dcs while the DCS holds no configuration).
const yaml::Entry* effective(const yaml::Node& local, const yaml::Node& dynamic, std::string_view key);

/// Patroni keeps server and recovery parameters in dictionaries that ignore case.
const yaml::Entry* find_any_case(const yaml::Node& map, std::string_view name);

/// A server parameter: parameter by parameter, the local one first.
const yaml::Entry* parameter(const yaml::Node& local, const yaml::Node& dynamic, std::string_view name);

/// A method of create_replica_methods (create_replica_method in old files) and its block; null: it has none.
struct ReplicaMethod {
    yaml::NodePtr name;
    const yaml::Entry* block;
};
std::vector<ReplicaMethod> replica_methods(const yaml::Node& local, const yaml::Node& dynamic);

}  // namespace patroni_pgbackrest::patroni
