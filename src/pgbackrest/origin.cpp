#include "pgbackrest/origin.hpp"

#include "pgbackrest/configuration_files.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace patroni_pgbackrest::pgbackrest {

namespace {

bool is_secret(std::string_view name) {
    static constexpr std::array<std::string_view, 3> of_secrets = {"pass", "secret", "token"};
    return name.ends_with("key") || std::any_of(of_secrets.begin(), of_secrets.end(), [&](std::string_view word) {
               return name.find(word) != std::string_view::npos;
           });
}

/// PGBACKREST_REPO and the like are not heeded at all: see Pgbackrest::command().
bool counts(std::string_view name) {
    static constexpr std::array<std::string_view, 5> beginnings = {"config", "repo", "db-include", "link-",
                                                                   "tablespace-"};
    return name != "repo" && !is_secret(name) &&
           std::any_of(beginnings.begin(), beginnings.end(),
                       [&](std::string_view beginning) { return name.starts_with(beginning); });
}

void note(Origin& origin, const std::string& name, const std::string& value) {
    if (counts(name)) {
        origin[name] = system::fingerprint(value);
    }
}

void add_missing(const Origin& from, const Origin& other, std::vector<std::string>& names) {
    for (const auto& [name, value] : from) {
        const auto found = other.find(name);
        if ((found == other.end() || found->second != value) &&
            std::find(names.begin(), names.end(), name) == names.end()) {
            names.push_back(name);
        }
    }
}

}  // namespace

Origin origin_of(const Pgbackrest& pgbackrest) {
    Origin origin;
    for (const auto& variable : environment_options()) {
        note(origin, variable.key, variable.value);
    }
    for (const auto& option : pgbackrest.common) {
        note(origin, option.name, option.value);
    }
    if (pgbackrest.configuration) {
        note(origin, "config", pgbackrest.configuration->string());
    }
    return origin;
}

Variables variables_of_origin() {
    Variables variables;
    for (const auto& variable : environment_options()) {
        if (counts(variable.key)) {
            variables.emplace(variable.place, variable.value);
        }
    }
    return variables;
}

std::map<std::string, std::string> secret_variables() {
    std::map<std::string, std::string> secrets;
    for (const auto& variable : environment_options()) {
        if (variable.key.starts_with("repo") && is_secret(variable.key)) {
            secrets.emplace(variable.place, variable.key);
        }
    }
    return secrets;
}

void tell_by(const Variables& variables, process::Command& command) {
    for (const auto& [name, value] : variables_of_origin()) {
        command.environment[name] = "";
    }
    for (const auto& [name, value] : variables) {
        command.environment[name] = value;
    }
}

std::vector<std::string> differences(const Origin& one, const Origin& other) {
    std::vector<std::string> names;
    add_missing(one, other, names);
    add_missing(other, one, names);
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace patroni_pgbackrest::pgbackrest
