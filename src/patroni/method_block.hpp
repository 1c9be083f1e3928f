#pragma once

#include "patroni/command_words.hpp"
#include "patroni/configuration.hpp"
#include "system/failure.hpp"
#include "yaml/tree.hpp"

#include <optional>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// The text of a scalar and the place of its key. Empty if there is no such key or it is blank. If it is a list or a
/// map, a problem is added to `problems` under the key's full name `path`.
std::optional<Value> scalar_at(const yaml::Node& map, const std::string& key, const std::string& path,
                               std::vector<Problem>& problems);

/// The block that bootstrap.method names, if Patroni would accept it: a map with `command` (bootstrap.py, 2.0 to 4.1;
/// without one Patroni silently falls back to initdb). Errors in it are added to `problems`.
std::optional<MethodBlock> read_method_block(const yaml::Node& bootstrap, const Value& method,
                                             std::vector<Problem>& problems);

/// How the command of its block calls `bootstrap`; nothing where there is none, or it is somebody's script.
std::optional<CallOfUs> call_of_bootstrap(const Configuration& configuration);

}  // namespace patroni_pgbackrest::patroni
