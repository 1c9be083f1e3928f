#include "patroni/members.hpp"

#include "system/log.hpp"
#include "system/subprocess.hpp"

#include <nlohmann/json.hpp>

namespace patroni_pgbackrest::patroni {

std::optional<std::string> leader_in(std::string_view text) {
    const auto members = nlohmann::json::parse(text, nullptr, false);
    if (!members.is_array()) {
        return std::nullopt;
    }
    for (const auto& member : members) {
        if (!member.is_object() || !member.contains("Role") || !member.at("Role").is_string()) {
            continue;
        }
        const std::string role = member.at("Role");
        if (role == "Leader" || role == "Standby Leader" || role == "Standby leader") {
            return member.value("Member", std::string("a member without a name"));
        }
    }
    return std::nullopt;
}

std::optional<std::string> find_leader(const ConfigurationSource& source, const std::string& scope,
                                       std::chrono::seconds deadline) {
    const auto patronictl = system::find_executable("patronictl");
    if (!patronictl || !source.path) {
        log::warning("patronictl {}: not checked whether scope {} has a leader",
                     patronictl ? "has no configuration file" : "was not found", scope);
        return std::nullopt;
    }
    system::Command command{patronictl->string(), {"-c", source.path->string(), "list", "-f", "json", scope}};
    command.environment = source.environment;
    const auto result = system::capture(command, deadline);
    if (!system::succeeded(result.outcome)) {
        log::warning("patronictl list {}: not checked whether scope {} has a leader", system::describe(result.outcome),
                     scope);
        return std::nullopt;
    }
    return leader_in(result.output);
}

}  // namespace patroni_pgbackrest::patroni
