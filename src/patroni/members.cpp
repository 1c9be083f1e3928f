#include "patroni/members.hpp"

#include "system/text.hpp"

#include <fstream>
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

std::vector<std::string> bootstrapping_in(std::string_view text) {
    std::vector<std::string> names;
    const auto members = nlohmann::json::parse(text, nullptr, false);
    for (const auto& member : members.is_array() ? members : nlohmann::json::array()) {
        const auto state = member.is_object() && member.contains("State") && member.at("State").is_string()
                               ? member.at("State").get<std::string>()
                               : std::string();
        if (state.find("bootstrap") != std::string::npos || state.find("initializing new cluster") == 0) {
            names.push_back(member.value("Member", std::string("a member without a name")));
        }
    }
    return names;
}

namespace {

system::Command list_command(const ConfigurationSource& source, const std::string& scope) {
    system::Command command{"patronictl", {}};
    command.environment = source.environment;
    if (source.path) {
        command.arguments = {"-c", source.path->string()};
    } else {
        command.environment["XDG_CONFIG_HOME"] = "/nonexistent";  // a file there would count more
    }
    command.arguments.insert(command.arguments.end(), {"list", "-f", "json", scope});
    return command;
}

/// What patronictl itself does to reach the DCS (ctl.py get_dcs, 2.0 to 4.1). Without a file the configuration is in
/// PATRONI_CONFIGURATION.
constexpr const char* key_script = R"(
import sys
from patroni.config import Config
from patroni.dcs import get_dcs
config = dict(Config(sys.argv[1] or None, None).copy(), scope=sys.argv[2], patronictl=True)
config.setdefault('name', sys.argv[2])
key = get_dcs(config).get_cluster().initialize
print('absent' if key is None else 'initialized' if key else 'empty')
)";

/// The interpreter in the first line of a script; python3 when it has none.
std::string interpreter_of(const std::filesystem::path& script) {
    std::ifstream file(script);
    std::string line;
    if (std::getline(file, line) && line.starts_with("#!")) {
        const auto words = system::split(system::trim(std::string_view(line).substr(2)), ' ');
        if (words.front().find("python") != std::string::npos) {
            return words.front();
        }
    }
    return "python3";
}

system::Command key_command(const ConfigurationSource& source, const std::string& scope) {
    system::Command command{interpreter_of(*system::find_executable("patronictl")),
                            {"-c", key_script, source.path ? source.path->string() : "", scope}};
    command.environment = source.environment;
    return command;
}

InitializeKey initialize_key_in(const system::Captured& result) {
    const auto word = system::trim(result.output);
    if (!system::succeeded(result.outcome)) {
        return InitializeKey::unknown;
    }
    return word == "absent"        ? InitializeKey::absent
           : word == "empty"       ? InitializeKey::empty
           : word == "initialized" ? InitializeKey::initialized
                                   : InitializeKey::unknown;
}

std::string why_not() {
    return system::find_executable("patronictl") ? "" : "patronictl was not found";
}

Leadership leadership_in(const system::Captured& result) {
    if (!system::succeeded(result.outcome)) {
        return {std::nullopt, "patronictl list " + system::describe(result.outcome)};
    }
    return {leader_in(result.output), ""};
}

}  // namespace

LeaderQuery::LeaderQuery(const ConfigurationSource& source, const std::string& scope, std::chrono::seconds deadline)
    : why_not_(why_not()) {
    if (why_not_.empty()) {
        running_ = std::make_unique<system::Capturing>(list_command(source, scope), deadline);
    }
}

Leadership LeaderQuery::answer() {
    return running_ ? leadership_in(running_->result()) : Leadership{std::nullopt, why_not_};
}

ScopeState read_scope(const ConfigurationSource& source, const std::string& scope, std::chrono::seconds deadline) {
    ScopeState state;
    state.leadership.why_unknown = why_not();
    if (!state.leadership.why_unknown.empty()) {
        return state;
    }
    const auto results = system::capture_all({list_command(source, scope), key_command(source, scope)}, deadline);
    state.leadership = leadership_in(results.front());
    state.bootstrapping = bootstrapping_in(results.front().output);
    state.initialize = initialize_key_in(results.back());
    return state;
}

}  // namespace patroni_pgbackrest::patroni
