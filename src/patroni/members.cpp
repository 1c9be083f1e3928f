#include "patroni/members.hpp"

#include "patroni/configuration_files.hpp"
#include "patroni/dcs_hosts.hpp"
#include "patroni/read_by_patroni.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <utility>

namespace patroni_pgbackrest::patroni {

namespace {

std::string text_at(const nlohmann::json& member, const char* column) {
    return member.contains(column) && member.at(column).is_string() ? member.at(column).get<std::string>() : "";
}

/// Every version prints one array, `[]` for a scope that the DCS does not know, and gives each member a name and a role
/// (ctl.py, output_members, and utils.py, cluster_as_json, 2.0.2 to 4.1.4). Half an answer must not be "nobody leads".
/// Without --group, which Patroni 2 does not know, it prints every group of a Citus cluster (3.0 and later).
std::optional<nlohmann::json> members_of(std::string_view text, const CitusGroup& group) {
    auto list = nlohmann::json::parse(text, nullptr, false);
    const auto is_member = [](const nlohmann::json& member) {
        return member.is_object() && !text_at(member, "Member").empty() && !text_at(member, "Role").empty();
    };
    if (!list.is_array() || !std::all_of(list.begin(), list.end(), is_member)) {
        return std::nullopt;
    }
    auto ours = nlohmann::json::array();
    for (auto& member : list) {
        const auto other = member.find("Group");
        if (!group || other == member.end() || *other == *group) {
            ours.push_back(std::move(member));
        }
    }
    return ours;
}

}  // namespace

Leadership leader_in(std::string_view text, const CitusGroup& group) {
    Leadership leadership;
    const auto members = members_of(text, group);
    if (!members) {
        leadership.why_unknown = "patronictl list printed something that is not a list of members";
        return leadership;
    }
    for (const auto& member : *members) {
        const auto role = text_at(member, "Role");
        if (role == "Leader" || role == "Standby Leader" || role == "Standby leader") {
            leadership.leader = text_at(member, "Member");
            if (member.contains("TL") && member.at("TL").is_number_unsigned()) {
                leadership.timeline = member.at("TL");
            }
            break;
        }
    }
    return leadership;
}

CitusGroup citus_group(const ConfigurationSource& source) {
    const auto tree = load_tree(source);
    const auto* group = tree ? tree->map_at("citus").find("group") : nullptr;
    return group != nullptr && group->value->is_scalar() ? system::number(group->value->text) : std::nullopt;
}

std::string ScopeState::how_to_remove(const std::string& scope) const {
    return fmt::format("patronictl remove {}{}", group ? fmt::format("--group {} ", *group) : "",
                       system::shell_word(scope));
}

std::string ScopeState::how_to_edit(const std::string& scope) const {
    return fmt::format("patronictl edit-config {}{} --force", group ? fmt::format("--group {} ", *group) : "",
                       system::shell_word(scope));
}

std::vector<std::string> members_in(std::string_view text, const CitusGroup& group) {
    std::vector<std::string> names;
    for (const auto& member : members_of(text, group).value_or(nlohmann::json::array())) {
        names.push_back(text_at(member, "Member"));
    }
    return names;
}

std::vector<std::string> bootstrapping_in(std::string_view text, InitializeKey key, const CitusGroup& group) {
    std::vector<std::string> names;
    for (const auto& member : members_of(text, group).value_or(nlohmann::json::array())) {
        const auto state = text_at(member, "State");
        const bool is_up = state == "starting" || state == "running";
        if (state.find("bootstrap") != std::string::npos || state.find("initializing new cluster") == 0 ||
            (is_up && key == InitializeKey::empty)) {
            names.push_back(text_at(member, "Member"));
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
import json
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

process::Command key_command(const ConfigurationSource& source, const std::string& scope) {
    auto command = python_of(*process::find_executable("patronictl"), key_script,
                             {source.path ? source.path->string() : "", scope});
    command.environment = source.environment;
    return command;
}

InitializeKey initialize_key_in(std::string_view word) {
    return word == "absent"        ? InitializeKey::absent
           : word == "empty"       ? InitializeKey::empty
           : word == "initialized" ? InitializeKey::initialized
                                   : InitializeKey::unknown;
}

constexpr auto no_patronictl = "patronictl was not found";

std::string why_not(const ConfigurationSource& source, Silence silence) {
    return process::find_executable("patronictl") ? DcsLook(source, silence).why_away() : no_patronictl;
}

Leadership leadership_in(const process::Captured& result, const CitusGroup& group) {
    process::require_resources("patronictl", result.outcome);
    if (!process::succeeded(result.outcome)) {
        return {std::nullopt, 0, "patronictl list " + process::describe(result.outcome)};
    }
    return leader_in(result.output, group);
}

void take_answer(const process::Captured& result, ScopeState& state) {
    process::require_resources("patronictl's Python", result.outcome);
    if (process::succeeded(result.outcome)) {
        take_key(result.output, state);
    }
}

/// Before anything is asked.
ScopeState look_at_dcs(const ConfigurationSource& source, Silence silence) {
    ScopeState state;
    state.group = citus_group(source);
    state.leadership.why_unknown = why_not(source, silence);
    return state;
}

}  // namespace

void take_key(std::string_view answer, ScopeState& state) {
    const auto lines = system::split(answer, '\n');
    // The third line's end shows that its number is whole.
    if (lines.size() != 4 || !lines[3].empty()) {
        return;
    }
    const auto configuration = nlohmann::json::parse(lines[1], nullptr, false);
    const auto key = initialize_key_in(lines[0]);
    if (key == InitializeKey::unknown || (lines[1] != "-" && !configuration.is_object())) {
        return;
    }
    state.initialize = key;
    state.configured = configuration.is_object();
    if (state.configured) {
        state.configuration = lines[1];
        const auto loop_wait = configuration.find("loop_wait");
        state.loop_wait =
            loop_wait != configuration.end() && loop_wait->is_number_unsigned() ? loop_wait->get<unsigned>() : 0;
    }
    state.system_identifier = system::number(lines[2]) ? lines[2] : std::string();
}

LeaderQuery::LeaderQuery(const ConfigurationSource& source, const std::string& scope, std::chrono::seconds deadline)
    : running_(process::find_executable("patronictl")
                   ? std::make_unique<process::Capturing>(list_command(source, scope), deadline)
                   : nullptr),
      group_(citus_group(source)), look_(source, Silence::may_end) {}

Leadership LeaderQuery::answer() {
    if (!running_) {
        return {std::nullopt, 0, no_patronictl};
    }
    if (!running_->is_done() || !process::succeeded(running_->result().outcome)) {
        if (auto why = look_.why_away(); !why.empty()) {
            running_.reset();
            return {std::nullopt, 0, std::move(why)};
        }
    }
    return leadership_in(running_->result(), group_);
}

ScopeState read_scope(const ConfigurationSource& source, const std::string& scope, Silence silence,
                      std::chrono::seconds deadline) {
    auto state = look_at_dcs(source, silence);
    if (!state.leadership.why_unknown.empty()) {
        return state;
    }
    const auto results = process::capture_all({list_command(source, scope), key_command(source, scope)}, deadline);
    state.leadership = leadership_in(results.front(), state.group);
    take_answer(results.back(), state);
    if (state.leadership.why_unknown.empty()) {
        state.members = members_in(results.front().output, state.group);
        state.bootstrapping = bootstrapping_in(results.front().output, state.initialize, state.group);
    }
    return state;
}

ScopeState read_key(const ConfigurationSource& source, const std::string& scope, Silence silence,
                    std::chrono::seconds deadline) {
    auto state = look_at_dcs(source, silence);
    if (state.leadership.why_unknown.empty()) {
        take_answer(process::capture(key_command(source, scope), deadline), state);
        state.leadership.why_unknown = "it was not asked who leads";
    }
    return state;
}

ConfigurationSource with_dcs(ConfigurationSource source, const std::string& scope, const ScopeState& state) {
    if (state.initialize != InitializeKey::unknown) {
        source.dcs = state.configuration.empty() ? DcsConfiguration()
                                                 : DcsConfiguration{state.configuration, state.how_to_edit(scope)};
    }
    return source;
}

}  // namespace patroni_pgbackrest::patroni
