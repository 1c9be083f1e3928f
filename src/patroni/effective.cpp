#include "patroni/effective.hpp"

#include "system/text.hpp"

#include <algorithm>

namespace patroni_pgbackrest::patroni {

using yaml::Entry;
using yaml::Node;

const Entry* effective(const Node& local, const Node& dynamic, std::string_view key) {
    const Entry* entry = local.find(key);
    return entry != nullptr ? entry : dynamic.find(key);
}

const Entry* find_any_case(const Node& map, std::string_view name) {
    const auto same = [&](const Entry& entry) { return system::lower(entry.key) == name; };
    const auto found = std::find_if(map.entries.begin(), map.entries.end(), same);
    return found == map.entries.end() ? nullptr : &*found;
}

const Entry* parameter(const Node& local, const Node& dynamic, std::string_view name) {
    const Entry* entry = find_any_case(local.map_at("parameters"), name);
    return entry != nullptr ? entry : find_any_case(dynamic.map_at("parameters"), name);
}

std::vector<ReplicaMethod> replica_methods(const Node& local, const Node& dynamic) {
    const Entry* methods = effective(local, dynamic, "create_replica_methods");
    if (methods == nullptr || !yaml::truthy(*methods->value)) {
        methods = effective(local, dynamic, "create_replica_method");
    }
    std::vector<ReplicaMethod> found;
    if (methods != nullptr) {
        for (const yaml::NodePtr& method : methods->value->items) {
            if (method->is_scalar()) {
                found.push_back({method, effective(local, dynamic, method->text)});
            }
        }
    }
    return found;
}

}  // namespace patroni_pgbackrest::patroni
