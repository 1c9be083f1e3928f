#include "patroni/members.hpp"

#include "patroni/dcs_hosts.hpp"
#include "system/text.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

namespace patroni_pgbackrest::patroni {

namespace {

/// The members in the output of `patronictl list -f json`; none if it is something else.
nlohmann::json members_of(std::string_view text) {
    auto list = nlohmann::json::array();
    const auto said = nlohmann::json::parse(text, nullptr, false);
    for (const auto& member : said.is_array() ? said : list) {
        if (member.is_object()) {
            list.push_back(member);
        }
    }
    return list;
}

std::string text_at(const nlohmann::json& member, const char* column) {
    return member.contains(column) && member.at(column).is_string() ? member.at(column).get<std::string>() : "";
}

std::string name_of(const nlohmann::json& member) {
    const auto name = text_at(member, "Member");
    return name.empty() ? "a member without a name" : name;
}

}  // namespace

Leadership leader_in(std::string_view text) {
    Leadership leadership;
    for (const auto& member : members_of(text)) {
        const auto role = text_at(member, "Role");
        if (role == "Leader" || role == "Standby Leader" || role == "Standby leader") {
            leadership.leader = name_of(member);
            if (member.contains("TL") && member.at("TL").is_number_unsigned()) {
                leadership.timeline = member.at("TL");
            }
            break;
        }
    }
    return leadership;
}

std::vector<std::string> members_in(std::string_view text) {
    std::vector<std::string> names;
    for (const auto& member : members_of(text)) {
        names.push_back(name_of(member));
    }
    return names;
}

std::vector<std::string> bootstrapping_in(std::string_view text, InitializeKey key) {
    std::vector<std::string> names;
    for (const auto& member : members_of(text)) {
        const auto state = text_at(member, "State");
        const bool is_up = state == "starting" || state == "running";
        if (state.find("bootstrap") != std::string::npos || state.find("initializing new cluster") == 0 ||
            (is_up && key == InitializeKey::empty)) {
            names.push_back(name_of(member));
        }
    }
    return names;
}

namespace {

process::Command list_command(const ConfigurationSource& source, const std::string& scope) {
    process::Command command{"patronictl", {}};
    command.environment = source.environment;
    if (source.path) {
        command.arguments = {"-c", source.path->string()};
    } else {
        command.environment["XDG_CONFIG_HOME"] = "/nonexistent";  // a file there would override ours
    }
    command.arguments.insert(command.arguments.end(), {"list", "-f", "json", scope});
    return command;
}

/// Reaches the DCS as patronictl does (ctl.py get_dcs, 2.0 to 4.1). Without a file, the configuration is in
/// PATRONI_CONFIGURATION.
constexpr const char* key_script = R"(
import json, sys
from patroni.config import Config
from patroni.dcs import get_dcs
config = dict(Config(sys.argv[1] or None, None).copy(), scope=sys.argv[2], patronictl=True)
config.setdefault('name', sys.argv[2])
cluster = get_dcs(config).get_cluster()
key = cluster.initialize
print('absent' if key is None else 'initialized' if key else 'empty')
configured = cluster.config and cluster.config.data
print(json.dumps(configured) if configured else '-')
print(key or '-')
)";

/// The interpreter in the first line of a script; python3 if there is none.
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

process::Command key_command(const ConfigurationSource& source, const std::string& scope) {
    process::Command command{interpreter_of(*process::find_executable("patronictl")),
                             {"-c", key_script, source.path ? source.path->string() : "", scope}};
    command.environment = source.environment;
    return command;
}

InitializeKey initialize_key_in(std::string_view word) {
    return word == "absent"        ? InitializeKey::absent
           : word == "empty"       ? InitializeKey::empty
           : word == "initialized" ? InitializeKey::initialized
                                   : InitializeKey::unknown;
}

std::string why_not(const ConfigurationSource& source) {
    return process::find_executable("patronictl") ? why_dcs_is_away(source) : "patronictl was not found";
}

Leadership leadership_in(const process::Captured& result) {
    if (!process::succeeded(result.outcome)) {
        return {std::nullopt, 0, "patronictl list " + process::describe(result.outcome)};
    }
    return leader_in(result.output);
}

}  // namespace

void take_key(std::string_view answer, ScopeState& state) {
    const auto words = system::split(system::trim(answer), '\n');
    if (words.size() != 3) {
        return;
    }
    state.initialize = initialize_key_in(words[0]);
    const auto configuration = nlohmann::json::parse(words[1], nullptr, false);
    state.configured = configuration.is_object();
    if (state.configured) {
        state.configuration = words[1];
        const auto loop_wait = configuration.find("loop_wait");
        state.loop_wait =
            loop_wait != configuration.end() && loop_wait->is_number_unsigned() ? loop_wait->get<unsigned>() : 0;
    }
    state.system_identifier = system::number(words[2]) ? words[2] : std::string();
}

LeaderQuery::LeaderQuery(const ConfigurationSource& source, const std::string& scope, std::chrono::seconds deadline)
    : why_not_(why_not(source)) {
    if (why_not_.empty()) {
        running_ = std::make_unique<process::Capturing>(list_command(source, scope), deadline);
    }
}

Leadership LeaderQuery::answer() {
    return running_ ? leadership_in(running_->result()) : Leadership{std::nullopt, 0, why_not_};
}

ScopeState read_scope(const ConfigurationSource& source, const std::string& scope, std::chrono::seconds deadline) {
    ScopeState state;
    state.leadership.why_unknown = why_not(source);
    if (!state.leadership.why_unknown.empty()) {
        return state;
    }
    const auto results = process::capture_all({list_command(source, scope), key_command(source, scope)}, deadline);
    const auto& list = results.front().output;
    state.leadership = leadership_in(results.front());
    state.members = members_in(list);
    if (process::succeeded(results.back().outcome)) {
        take_key(results.back().output, state);
    }
    state.bootstrapping = bootstrapping_in(list, state.initialize);
    return state;
}

}  // namespace patroni_pgbackrest::patroni
