#include "patroni/effective.hpp"

#include "patroni/configuration.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>

namespace patroni_pgbackrest::patroni {

using yaml::Entry;
using yaml::Node;
using yaml::Path;

namespace {

/// ConfigHandler._RECOVERY_PARAMETERS (postgresql/config.py, 2.0 to 4.1).
bool is_recovery_parameter(const std::string& name) {
    static constexpr std::array<std::string_view, 18> all = {"archive_cleanup_command",
                                                             "pause_at_recovery_target",
                                                             "primary_conninfo",
                                                             "primary_slot_name",
                                                             "promote_trigger_file",
                                                             "recovery_end_command",
                                                             "recovery_min_apply_delay",
                                                             "recovery_target",
                                                             "recovery_target_action",
                                                             "recovery_target_inclusive",
                                                             "recovery_target_lsn",
                                                             "recovery_target_name",
                                                             "recovery_target_time",
                                                             "recovery_target_timeline",
                                                             "recovery_target_xid",
                                                             "restore_command",
                                                             "standby_mode",
                                                             "trigger_file"};
    return std::find(all.begin(), all.end(), name) != all.end();
}

const Path local_section{"postgresql"};
const Path dynamic_section{"bootstrap", "dcs", "postgresql"};

Path below(Path path, const std::string& key) {
    path.push_back(key);
    return path;
}

const Node& map_at(const Node& tree, const Path& path) {
    const Node* node = &tree;
    for (const auto& key : path) {
        node = &node->map_at(key);
    }
    return *node;
}

/// Adds the map's entries; the later of two spellings takes the earlier one's place.
void add(std::vector<RecoveryConf::Setting>& settings, const Node& map, const Path& path, bool all) {
    for (const Entry& entry : map.entries) {
        const auto name = system::lower(entry.key);
        if (all || is_recovery_parameter(name)) {
            std::erase_if(settings, [&](const auto& other) { return system::lower(other.entry->key) == name; });
            settings.push_back({below(path, entry.key), &entry});
        }
    }
}

bool is_dropped(std::string_view name, const Node& value) {
    return value.is_null() ||
           (name == "archive_mode" && !parse_bool(value.text) && system::lower(value.text) != "always");
}

}  // namespace

const Entry* effective(const Node& local, const Node& dynamic, std::string_view key) {
    const Entry* entry = local.find(key);
    return entry != nullptr ? entry : dynamic.find(key);
}

const Entry* find_any_case(const Node& map, std::string_view name) {
    const auto same = [&](const Entry& entry) { return system::lower(entry.key) == name; };
    const auto found = std::find_if(map.entries.rbegin(), map.entries.rend(), same);
    return found == map.entries.rend() ? nullptr : &*found;
}

const Entry* parameter(const Node& local, const Node& dynamic, std::string_view name) {
    const Entry* entry = find_any_case(local.map_at("parameters"), name);
    return entry != nullptr ? entry : find_any_case(dynamic.map_at("parameters"), name);
}

const Entry* written_parameter(const Node& local, const Node& dynamic, std::string_view name) {
    const Entry* entry = parameter(local, dynamic, name);
    return entry == nullptr || is_dropped(name, *entry->value) ? nullptr : entry;
}

std::set<std::string> written_parameters(const Node& local, const Node& dynamic) {
    std::set<std::string> names;
    for (const Node* postgresql : {&dynamic, &local}) {
        for (const Entry& entry : postgresql->map_at("parameters").entries) {
            const auto name = system::lower(entry.key);
            if (is_dropped(name, *entry.value)) {
                names.erase(name);
            } else {
                names.insert(name);
            }
        }
    }
    return names;
}

const RecoveryConf::Setting* RecoveryConf::find(std::string_view name) const {
    const auto found = std::find_if(settings.begin(), settings.end(),
                                    [&](const auto& setting) { return system::lower(setting.entry->key) == name; });
    return found == settings.end() ? nullptr : &*found;
}

RecoveryConf recovery_conf_of_standbys(const Node& tree) {
    RecoveryConf result;
    for (const auto& section : {dynamic_section, local_section}) {
        const auto path = below(section, "parameters");
        add(result.settings, map_at(tree, path), path, false);
    }
    if (!result.settings.empty()) {
        result.path = result.settings.back().path;
        result.path.pop_back();
        result.place = result.settings.back().entry->place;
        return result;
    }
    for (const auto& section : {local_section, dynamic_section}) {
        if (const Entry* entry = map_at(tree, section).find("recovery_conf")) {
            result.path = below(section, "recovery_conf");
            result.place = entry->place;
            add(result.settings, *entry->value, result.path, true);
            return result;
        }
    }
    result.path = below(local_section, "recovery_conf");
    return result;
}

Path path_of_replica_methods(const Node& tree) {
    for (const std::string key : {"create_replica_methods", "create_replica_method"}) {
        for (const auto& section : {local_section, dynamic_section}) {
            if (const Entry* entry = map_at(tree, section).find(key)) {
                if (yaml::truthy(*entry->value)) {
                    return below(section, key);
                }
                break;  // an empty local list hides the other one
            }
        }
    }
    return below(local_section, "create_replica_methods");
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
