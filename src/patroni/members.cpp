#include "patroni/members.hpp"

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

LeaderQuery::LeaderQuery(const ConfigurationSource& source, const std::string& scope, std::chrono::seconds deadline) {
    const auto patronictl = system::find_executable("patronictl");
    if (!patronictl) {
        why_not_ = "patronictl was not found";
    } else if (!source.path) {
        why_not_ = "patronictl has no configuration file";
    } else {
        system::Command command{patronictl->string(), {"-c", source.path->string(), "list", "-f", "json", scope}};
        command.environment = source.environment;
        running_ = std::make_unique<system::Capturing>(command, deadline);
    }
}

Leadership LeaderQuery::answer() {
    if (!running_) {
        return {std::nullopt, why_not_};
    }
    const auto& result = running_->result();
    if (!system::succeeded(result.outcome)) {
        return {std::nullopt, "patronictl list " + system::describe(result.outcome)};
    }
    return {leader_in(result.output), ""};
}

}  // namespace patroni_pgbackrest::patroni
