#include "patroni/roles.hpp"

#include "patroni/configuration_files.hpp"

#include <array>

namespace patroni_pgbackrest::patroni {

namespace {

struct Section {
    Role::Kind kind;
    const char* key;
    const char* variables;
};
constexpr std::array sections = {Section{Role::Kind::superuser, "superuser", "PATRONI_SUPERUSER_"},
                                 Section{Role::Kind::replication, "replication", "PATRONI_REPLICATION_"},
                                 Section{Role::Kind::rewind, "rewind", "PATRONI_REWIND_"}};

std::optional<std::string> setting_at(const yaml::Node& map, const char* key) {
    const auto* entry = map.find(key);
    const bool is_there = entry != nullptr && entry->value->is_scalar() && !entry->value->text.empty();
    return is_there ? std::optional(entry->value->text) : std::nullopt;
}

}  // namespace

std::vector<Role> read_roles(const ConfigurationSource& source) {
    std::vector<Role> roles;
    const auto tree = load_tree(source);
    if (!tree) {
        return roles;
    }
    const auto& authentication = tree->map_at("postgresql").map_at("authentication");
    for (const auto& section : sections) {
        const auto value = [&](const char* key, const std::string& variable) {
            const auto given = source.environment.find(section.variables + variable);
            const bool overridden = source.path && given != source.environment.end() && !given->second.empty();
            return overridden ? std::optional(given->second) : setting_at(authentication.map_at(section.key), key);
        };
        const auto name = value("username", "USERNAME");
        const auto password = value("password", "PASSWORD");
        if (name) {
            roles.push_back({section.kind, *name, password});
        }
    }
    return roles;
}

}  // namespace patroni_pgbackrest::patroni
