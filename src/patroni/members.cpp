#include "patroni/members.hpp"

#include "patroni/configuration_files.hpp"
#include "patroni/dcs_hosts.hpp"
#include "patroni/read_by_patroni.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <utility>

namespace patroni_pgbackrest::patroni {

namespace {

std::string text_at(const nlohmann::json& member, const char* column) {
    return member.contains(column) && member.at(column).is_string() ? member.at(column).get<std::string>() : "";
}

/// 0 where there is none, or none that fits: what another program prints may be of a version that is to come, and each
/// reader takes 0 for not known.
std::uint32_t number_at(const nlohmann::json& object, const char* name) {
    const auto found = object.find(name);
    const auto number = found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
    return std::in_range<std::uint32_t>(number) ? static_cast<std::uint32_t>(number) : 0;
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
            leadership.timeline = number_at(member, "TL");
            break;
        }
    }
    return leadership;
}

CitusGroup citus_group(const yaml::Node& tree) {
    const auto& citus = tree.map_at("citus");
    const auto* group = citus.find("group");
    const auto* database = citus.find("database");
    const bool is_citus = group != nullptr && group->value->is_scalar() && !yaml::is_text(*group->value) &&
                          database != nullptr && yaml::is_text(*database->value);
    return is_citus ? system::number(group->value->text) : std::nullopt;
}

std::string ScopeState::how_to_remove(const std::string& scope) const {
    return fmt::format("patronictl remove {}{}", group ? fmt::format("--group {} ", *group) : "",
                       system::shell_word(scope));
}

std::string ScopeState::how_to_edit(const std::string& scope) const {
    return fmt::format("patronictl edit-config {}{} --force", group ? fmt::format("--group {} ", *group) : "",
                       system::shell_word(scope));
}

std::string ScopeState::how_to_make_leader(const std::string& scope, const std::string& member) const {
    return fmt::format("patronictl failover {}--candidate {} --force {}",
                       group ? fmt::format("--group {} ", *group) : "",
                       member.empty() ? "NAME" : system::shell_word(member), system::shell_word(scope));
}

std::vector<std::string> members_in(std::string_view text, const CitusGroup& group) {
    std::vector<std::string> names;
    for (const auto& member : members_of(text, group).value_or(nlohmann::json::array())) {
        names.push_back(text_at(member, "Member"));
    }
    return names;
}

std::vector<std::string> bootstrapping_in(std::string_view text, InitializeKey key, const CitusGroup& group) {
    // From 3.1 on patronictl shows the last two in the place of `running` for a server in recovery (utils.py
    // cluster_as_json).
    static constexpr std::array<std::string_view, 5> up = {"starting", "running", "restarting", "in archive recovery",
                                                           "streaming"};
    std::vector<std::string> names;
    for (const auto& member : members_of(text, group).value_or(nlohmann::json::array())) {
        const auto state = text_at(member, "State");
        const bool is_up = std::find(up.begin(), up.end(), state) != up.end();
        if (state.find("bootstrap") != std::string::npos || state.find("initializing new cluster") == 0 ||
            (is_up && key == InitializeKey::empty)) {
            names.push_back(text_at(member, "Member"));
        }
    }
    return names;
}

namespace {

/// What patronictl takes for an option where it is not given, and Patroni itself does not read: another DCS or another
/// file (ctl.py, ctl; 2.0 has DCS, 3.0 to 4.1 DCS_URL).
constexpr std::array variables_of_patronictl = {"DCS", "DCS_URL", "PATRONICTL_CONFIG_FILE"};

/// `command` with a list of the scope's members as its task. Without a file, the configuration is in
/// PATRONI_CONFIGURATION.
process::Command with_list(process::Command command, const ConfigurationSource& source, const std::string& scope) {
    command.environment = source.environment;
    for (const char* variable : variables_of_patronictl) {
        command.environment[variable].clear();  // takes it out
    }
    if (source.path) {
        command.arguments.insert(command.arguments.end(), {"-c", source.path->string()});
    } else {
        command.environment["XDG_CONFIG_HOME"] = "/nonexistent";  // a file there would override ours
    }
    command.arguments.insert(command.arguments.end(), {"list", "-f", "json", scope});
    return command;
}

process::Command list_command(const ConfigurationSource& source, const std::string& scope) {
    return with_list({"patronictl", {}}, source, scope);
}

/// patronictl list itself, which tells the rest of what it got from the DCS behind its list (ctl.py, members and
/// output_members, 2.0 to 4.1). From 3.0 on, the groups of a Citus cluster are the coordinator's `workers`. PyYAML's
/// reader in C takes a tenth of the time of the one that Patroni uses; what it does not read is read by that one.
constexpr const char* scope_script = R"py(
import json, yaml
from patroni import ctl
from patroni.dcs import Cluster

slow_reader = yaml.safe_load
list_members = ctl.output_members
connect = getattr(ctl, 'get_dcs', None)
connected = []
group = int(sys.argv[1])

def read(stream):
    text = stream.read() if hasattr(stream, 'read') else stream
    try:
        return yaml.load(text, yaml.CSafeLoader)
    except Exception:
        return slow_reader(text)

def connect_and_keep(*given, **named):
    connected.append(connect(*given, **named))
    return connected[-1]

def list_and_tell(*given, **named):
    list_members(*given, **named)
    cluster = next(one for one in given if isinstance(one, Cluster))
    if group and hasattr(cluster, 'workers'):
        cluster = cluster.workers.get(group)
    key, config, sync, failsafe, failover = (
        getattr(cluster, name, None) for name in ('initialize', 'config', 'sync', 'failsafe', 'failover'))
    configured = config and config.data
    ends = [getattr(getattr(cluster, 'status', None), 'last_lsn', None)]
    ends += [getattr(cluster, name, None) for name in ('last_lsn', 'last_leader_operation')]
    is_synchronous = sync is not None and bool(sync.leader)
    # Kubernetes, whose DCS observes the record of its own group's leader alone
    record = None if group or not connected else getattr(connected[-1], '_leader_observed_record', None)
    # Kubernetes again: a pod keeps what its member said of itself
    pods = getattr(connected[-1], '_pods', None) if connected else None
    ended = [name for name, pod in (pods.copy() if pods else {}).items()
             if getattr(getattr(pod, 'status', None), 'phase', None) in ('Succeeded', 'Failed')]
    leader = getattr(getattr(cluster, 'leader', None), 'name', None)
    print('absent' if key is None else 'initialized' if key else 'empty')
    print(json.dumps(configured) if configured else '-')
    print(json.dumps({
        'last_lsn': int(next((end for end in ends if end), 0)),
        'sync': [sync.leader] + list(sync.members) if is_synchronous else [],
        'failsafe': list(failsafe) if isinstance(failsafe, dict) else [],
        'failover': bool(failover),
        'renewed': str(record.get('renewTime') or '') if isinstance(record, dict) else '',
        'leader': leader or '',
        'ended': ended}))
    print(key or '-')

yaml.safe_load, ctl.output_members, ctl.get_dcs = read, list_and_tell, connect_and_keep
print('asks the DCS', file=sys.stderr, flush=True)
ctl.ctl(sys.argv[2:])
)py";
constexpr std::string_view begins_to_ask = "asks the DCS\n";  // what it says then, to stderr

process::Command scope_command(const std::filesystem::path& patronictl, const ConfigurationSource& source,
                               const std::string& scope, const CitusGroup& group) {
    return with_list(python_of(patronictl, scope_script, {std::to_string(group.value_or(0))}), source, scope);
}

/// Behind the line with the list.
std::size_t begin_of_key(std::string_view answer) {
    const auto end = answer.find('\n');
    return end == std::string_view::npos ? answer.size() : end + 1;
}

/// What load_tree() reads; an empty map if there is nothing.
yaml::NodePtr tree_or_nothing(const ConfigurationSource& source) {
    auto tree = load_tree(source);
    return tree ? tree : yaml::make_map({}, {});
}

InitializeKey initialize_key_in(std::string_view word) {
    return word == "absent"        ? InitializeKey::absent
           : word == "empty"       ? InitializeKey::empty
           : word == "initialized" ? InitializeKey::initialized
                                   : InitializeKey::unknown;
}

Leadership leadership_in(const process::Captured& result, const CitusGroup& group) {
    process::require_resources("patronictl", result.outcome);
    if (!process::succeeded(result.outcome)) {
        return {std::nullopt, 0, "patronictl list " + process::describe(result.outcome)};
    }
    return leader_in(result.output, group);
}

}  // namespace

void correct_list(ScopeState& state) {
    const auto& told = state.remainders;
    if (!state.leadership.leader && !told.leader.empty()) {
        state.leadership.leader = told.leader;
    }
    const auto has_ended = [&](const std::string& name) {
        return std::find(told.ended.begin(), told.ended.end(), name) != told.ended.end();
    };
    std::erase_if(state.members, has_ended);
    std::erase_if(state.bootstrapping, has_ended);
}

void take_key(std::string_view answer, ScopeState& state) {
    const auto lines = system::split(answer, '\n');
    // The last line's end shows that its number is whole.
    if (lines.size() != 5 || !lines[4].empty()) {
        return;
    }
    const auto configuration = nlohmann::json::parse(lines[1], nullptr, false);
    const auto key = initialize_key_in(lines[0]);
    const auto remainders = remainders_in(lines[2]);
    if (key == InitializeKey::unknown || (lines[1] != "-" && !configuration.is_object()) || !remainders) {
        return;
    }
    state.initialize = key;
    state.remainders = *remainders;
    state.configured = configuration.is_object();
    if (state.configured) {
        state.configuration = lines[1];
        state.loop_wait = number_at(configuration, "loop_wait");
    }
    state.system_identifier = system::number(lines[3]) ? lines[3] : std::string();
}

ScopeQuery::ScopeQuery(const ConfigurationSource& source, const std::string& scope, Silence silence,
                       std::chrono::seconds deadline)
    : ScopeQuery(source, *tree_or_nothing(source), scope, silence, deadline) {}

ScopeQuery::ScopeQuery(const ConfigurationSource& source, const yaml::Node& tree, const std::string& scope,
                       Silence silence, std::chrono::seconds deadline)
    : group_(citus_group(tree)), states_expire_(!is_on_kubernetes(tree, variables_in_force(source))),
      look_(source, tree, silence) {
    if (const auto patronictl = process::find_executable("patronictl")) {
        running_.emplace_back(scope_command(*patronictl, source, scope, group_), deadline);
        if (!python_in(*patronictl)) {  // a wrapper may lead to another Patroni than the Python that is guessed
            running_.emplace_back(list_command(source, scope), deadline);
        }
    }
}

bool ScopeQuery::has_come() {
    const bool is_over =
        std::all_of(running_.begin(), running_.end(), [](process::Capturing& one) { return one.is_done(); });
    return is_over || (look_.is_known() && !look_.why_away().empty());
}

/// A wrapper does not tell.
bool ScopeQuery::has_begun_to_ask() const {
    return running_.size() > 1 || running_.front().errors_so_far().find(begins_to_ask) != std::string::npos;
}

bool ScopeQuery::comes_in_time() {
    using Clock = std::chrono::steady_clock;
    auto until = Clock::now() + longest_answer;
    for (bool asks = false; !has_come();) {
        if (!asks && has_begun_to_ask()) {
            asks = true;
            until = Clock::now() + longest_look;
        }
        if (Clock::now() >= until) {
            return false;
        }
    }
    return true;
}

ScopeState ScopeQuery::answer() {
    ScopeState state;
    state.group = group_;
    state.states_expire = states_expire_;
    if (running_.empty()) {
        state.leadership.why_unknown = "patronictl was not found";
        return state;
    }
    const bool is_answered = std::all_of(running_.begin(), running_.end(), [](process::Capturing& one) {
        return one.is_done() && process::succeeded(one.result().outcome);
    });
    if (auto why = is_answered ? std::string() : look_.why_away(); !why.empty()) {
        running_.clear();
        state.leadership.why_unknown = std::move(why);
        return state;
    }
    const auto& told = running_.front().result();
    process::require_resources("patronictl's Python", told.outcome);
    const auto key = begin_of_key(told.output);
    if (process::succeeded(told.outcome)) {
        take_key(std::string_view(told.output).substr(key), state);
    }
    auto list = running_.back().result();
    if (running_.size() == 1) {
        list.output.resize(key);
    }
    state.leadership = leadership_in(list, state.group);
    if (state.leadership.why_unknown.empty()) {
        state.members = members_in(list.output, state.group);
        state.bootstrapping = bootstrapping_in(list.output, state.initialize, state.group);
        correct_list(state);
    }
    return state;
}

bool is_dead_leader(const ScopeState& before, const ScopeState& now) {
    const auto& renewed = now.remainders.renewed;
    return !now.states_expire && now.leadership.leader && now.leadership.leader == before.leadership.leader &&
           !renewed.empty() && renewed == before.remainders.renewed;
}

ScopeState read_scope(const ConfigurationSource& source, const std::string& scope, Silence silence,
                      std::chrono::seconds deadline) {
    return ScopeQuery(source, scope, silence, deadline).answer();
}

ConfigurationSource with_dcs(ConfigurationSource source, const std::string& scope, const ScopeState& state) {
    if (state.initialize != InitializeKey::unknown) {
        source.dcs = state.configuration.empty() ? DcsConfiguration()
                                                 : DcsConfiguration{state.configuration, state.how_to_edit(scope)};
    }
    return source;
}

ConfigurationSource with_known_dcs(ConfigurationSource source, const std::string& scope, const ScopeState& state) {
    if (state.initialize == InitializeKey::unknown) {
        source.dcs.json = "{}";
        return source;
    }
    return with_dcs(std::move(source), scope, state);
}

}  // namespace patroni_pgbackrest::patroni
