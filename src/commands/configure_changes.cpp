#include "commands/configure_changes.hpp"

#include "postgres/configuration.hpp"
#include "request/patroni_mode.hpp"
#include "system/failure.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fmt/format.h>

namespace patroni_pgbackrest::commands {

namespace {

using patroni::ConfigurationEdit;
using yaml::NewNode;
using yaml::Node;
using yaml::Path;

/// The first two words of a command line that calls this program.
bool calls_this_program(const Node* command, const std::string& verb) {
    if (command == nullptr || !command->is_scalar()) {
        return false;
    }
    const auto words = system::shell_words(command->text);
    return words && words->size() >= 2 && std::filesystem::path((*words)[0]).filename() == "patroni_pgbackrest" &&
           (*words)[1] == verb;
}

/// Whether a command line calls pgbackrest with that command for that stanza.
bool calls_pgbackrest(const Node* command, const std::string& verb, const std::string& stanza) {
    const auto words = command != nullptr && command->is_scalar() ? system::shell_words(command->text) : std::nullopt;
    const auto has = [&](const std::string& word) {
        return std::find(words->begin(), words->end(), word) != words->end();
    };
    return words && has(verb) && has("--stanza=" + stanza);
}

/// The key as the map spells it: Patroni ignores the case of recovery parameters.
std::string spelling_of(const Node* map, const std::string& name) {
    if (map != nullptr) {
        for (const auto& entry : map->entries) {
            if (system::lower(entry.key) == name) {
                return entry.key;
            }
        }
    }
    return name;
}

Path below(const Path& path, const std::string& key) {
    Path longer = path;
    longer.push_back(key);
    return longer;
}

NewNode written_option(const OptionDefinition& definition, const std::string& value) {
    static constexpr std::array<std::string_view, 6> yes = {"", "y", "yes", "true", "on", "1"};
    static constexpr std::array<std::string_view, 5> no = {"n", "no", "false", "off", "0"};
    if (definition.kind == OptionKind::flag) {
        const std::string word = system::lower(value);
        if (std::find(yes.begin(), yes.end(), word) != yes.end()) {
            return NewNode::of_word("true");
        }
        if (std::find(no.begin(), no.end(), word) != no.end()) {
            return NewNode::of_word("false");
        }
    }
    // A number is written plain, where YAML reads back the same text; a target's number is quoted text, as in Patroni's
    // log.
    const auto number = definition.argument == "N" ? system::number(value) : std::nullopt;
    return number && std::to_string(*number) == value ? NewNode::of_word(value) : NewNode::of_text(value);
}

/// pgBackRest's command line as the block has it: `pgbackrest --config=… --stanza=…`. Each word quoted for a shell.
std::string pgbackrest_call(const ConfigurationEdit& patroni_yml, const std::string& method,
                            const std::string& stanza) {
    const auto of_block = [&](const char* key) {
        const Node* node = patroni_yml.find({"bootstrap", method, key});
        return node == nullptr || !node->is_scalar() ? std::string() : node->text;
    };
    const std::string program = of_block("pgbackrest");
    const std::string configuration = of_block("pgbackrest-config");
    std::string call = postgres::quote_command_word(program.empty() ? "pgbackrest" : program);
    if (!configuration.empty()) {
        call += " " + postgres::quote_command_word("--config=" + configuration);
    }
    return call + " " + postgres::quote_command_word("--stanza=" + stanza);
}

/// The same for restore_command where it has to be the guard's.
std::string guard_call(const ConfigurationEdit& patroni_yml, const std::string& method, const std::string& stanza) {
    std::string call = "patroni_pgbackrest archive-get " + postgres::quote_command_word("--stanza=" + stanza);
    for (const std::string name : {"pgbackrest", "pgbackrest-config"}) {
        const Node* node = patroni_yml.find({"bootstrap", method, name});
        if (node != nullptr && node->is_scalar()) {
            call += " " + postgres::quote_command_word("--" + name + "=" + node->text);
        }
    }
    return call;
}

bool is_guarded(const Node* recovery_conf) {
    const Node* command = recovery_conf == nullptr
                              ? nullptr
                              : yaml::find(*recovery_conf, {spelling_of(recovery_conf, "restore_command")});
    return command != nullptr && command->is_scalar() && is_guard(command->text);
}

void write_block(ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments, const Path& block,
                 const std::string& stanza) {
    std::vector<std::pair<std::string, NewNode>> entries;
    if (!calls_this_program(patroni_yml.find(below(block, "command")), "bootstrap")) {
        entries.emplace_back("command", NewNode::of_text("patroni_pgbackrest bootstrap"));
    }
    entries.emplace_back("stanza", NewNode::of_text(stanza));
    const auto is_given = [&](std::string_view name) {
        return std::any_of(arguments.options.begin(), arguments.options.end(),
                           [&](const auto& option) { return option.name == name; });
    };
    // A target of another type is another target: what is left of the last one would contradict it.
    for (const std::string name : {"target", "target-exclusive"}) {
        if (is_given("type") && !is_given(name)) {
            patroni_yml.remove(below(block, name));
        }
    }
    for (const auto& definition : configurable_options()) {
        for (const auto& option : arguments.options) {
            if (option.name == definition.name && option.name != "stanza") {
                entries.emplace_back(option.name, written_option(definition, option.value));
            }
        }
    }
    patroni_yml.set(block, NewNode::of_map(std::move(entries)));
}

/// The recovery_conf that agrees with the rest of the block.
void write_recovery_conf(ConfigurationEdit& patroni_yml, const Path& block) {
    patroni::Configuration standalone = patroni_yml.configuration();
    if (!standalone.method) {
        return;  // require_accepted() says why
    }
    standalone.method->recovery_conf.reset();
    std::erase_if(standalone.method->entries, [](const auto& entry) { return entry.key == "recovery"; });
    const Request request = make_request({{"datadir", "/data"}}, std::move(standalone));
    const auto wanted = yaml::parse(corrected_recovery_conf(request), "recovery_conf");
    const Node& corrected = wanted->map_at("recovery_conf");

    const Path path = below(block, "recovery_conf");
    std::vector<std::string> stale;
    if (const Node* current = patroni_yml.find(path)) {
        for (const auto& entry : current->entries) {
            const std::string name = system::lower(entry.key);
            const bool is_default =
                name == "recovery_target_timeline" && !request.timeline && entry.value->text == "latest";
            if (name.starts_with("recovery_target") && corrected.find(name) == nullptr && !is_default) {
                stale.push_back(entry.key);
            }
        }
    }
    for (const auto& key : stale) {
        patroni_yml.remove(below(path, key));
    }
    std::vector<std::pair<std::string, NewNode>> entries;
    const Node* current = patroni_yml.find(path);
    for (const auto& entry : corrected.entries) {
        if (entry.key != "restore_command" || !is_guarded(current)) {
            entries.emplace_back(spelling_of(current, entry.key), NewNode::of_text(entry.value->text));
        }
    }
    patroni_yml.set(path, NewNode::of_map(std::move(entries)));
}

void write_restore_command(ConfigurationEdit& patroni_yml, const std::string& method, const std::string& stanza,
                           bool patroni_mode) {
    const Path local{"postgresql", "recovery_conf"};
    const Path dynamic{"bootstrap", "dcs", "postgresql", "recovery_conf"};
    // A local recovery_conf hides the whole dynamic one.
    const Node* in_force = patroni_yml.find(local) != nullptr ? patroni_yml.find(local) : patroni_yml.find(dynamic);
    const Node* command =
        in_force == nullptr ? nullptr : yaml::find(*in_force, {spelling_of(in_force, "restore_command")});
    if (is_guarded(in_force) || (!patroni_mode && calls_pgbackrest(command, "archive-get", stanza))) {
        return;
    }
    const std::string wanted = patroni_mode ? guard_call(patroni_yml, method, stanza) + " %f \"%p\""
                                            : pgbackrest_call(patroni_yml, method, stanza) + " archive-get %f \"%p\"";
    patroni_yml.set(
        local, NewNode::of_map({{spelling_of(patroni_yml.find(local), "restore_command"), NewNode::of_text(wanted)}}));
}

/// Patroni restores with `pgbackrest --delta restore` (its documentation, "Building replicas"), then with basebackup.
void write_replica_method(ConfigurationEdit& patroni_yml, const std::string& method, const std::string& stanza) {
    const Path block{"postgresql", "pgbackrest"};
    if (!calls_pgbackrest(patroni_yml.find(below(block, "command")), "restore", stanza)) {
        std::string call = pgbackrest_call(patroni_yml, method, stanza);
        // Patroni splits it as a shell does, but knows nothing of %f.
        for (auto at = call.find("%%"); at != std::string::npos; at = call.find("%%", at + 1)) {
            call.erase(at, 1);
        }
        patroni_yml.set(block, NewNode::of_map({{"command", NewNode::of_text(call + " --delta restore")}}));
    }
    for (const std::string key : {"keep_data", "no_params"}) {
        const Node* flag = patroni_yml.find(below(block, key));
        if (flag == nullptr || !yaml::truthy(*flag)) {
            patroni_yml.set(below(block, key), NewNode::of_word("true"));
        }
    }
    // The old name counts where the new one says nothing (Patroni's replica_method_can_work_without_…, 2.0 to 4.1).
    const auto list_at = [&](const Path& path) {
        const Node* list = patroni_yml.find(path);
        return list != nullptr && yaml::truthy(*list) ? list : nullptr;
    };
    const Path list{"postgresql", "create_replica_methods"};
    const Path old_name{"postgresql", "create_replica_method"};
    const Path dynamic{"bootstrap", "dcs", "postgresql", "create_replica_methods"};
    std::vector<NewNode> new_list{NewNode::of_text("pgbackrest")};
    if (const Node* shared = list_at(dynamic)) {
        for (const auto& item : shared->items) {
            if (item->is_scalar() && item->text != "pgbackrest") {
                new_list.push_back(NewNode::of_text(item->text));
            }
        }
    } else {
        new_list.push_back(NewNode::of_text("basebackup"));
    }
    const bool use_old_name = list_at(list) == nullptr && list_at(old_name) != nullptr;
    patroni_yml.prepend(use_old_name ? old_name : list, NewNode::of_text("pgbackrest"),
                        NewNode::of_list(std::move(new_list)));
}

void write_post_bootstrap(ConfigurationEdit& patroni_yml) {
    for (const std::string key : {"post_bootstrap", "post_init"}) {
        const Node* command = patroni_yml.find({"bootstrap", key});
        if (calls_this_program(command, "verify")) {
            return;
        }
        if (command != nullptr && !yaml::blank(*command)) {
            throw Failure(ExitCode::usage,
                          {Problem{fmt::format("bootstrap.{} runs something else already", key),
                                   "call patroni_pgbackrest verify in it, or take it out first", command->place}});
        }
    }
    patroni_yml.set({"bootstrap", "post_bootstrap"}, NewNode::of_text("patroni_pgbackrest verify"));
}

bool is_plain_name(const std::string& name) {
    const auto fits = [](char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
               (letter >= '0' && letter <= '9') || letter == '_' || letter == '-';
    };
    return !name.empty() && !(name.front() >= '0' && name.front() <= '9') && name.front() != '-' &&
           std::all_of(name.begin(), name.end(), fits);
}

}  // namespace

std::string method_of(const ConfigureArguments& arguments, const ConfigurationEdit& patroni_yml) {
    static constexpr std::array<std::string_view, 7> taken = {"dcs",   "method",         "initdb",   "pg_hba",
                                                              "users", "post_bootstrap", "post_init"};
    if (arguments.method) {
        if (!is_plain_name(*arguments.method)) {
            throw Failure(ExitCode::usage, fmt::format("--method: '{}' is not a name for a block", *arguments.method),
                          "use letters, digits, - and _, a letter first");
        }
        if (std::find(taken.begin(), taken.end(), *arguments.method) != taken.end()) {
            throw Failure(ExitCode::usage,
                          fmt::format("--method: bootstrap.{} means something else to Patroni", *arguments.method),
                          "choose another name, or leave --method out");
        }
        return *arguments.method;
    }
    const Node* method = patroni_yml.find({"bootstrap", "method"});
    const bool is_ours = method != nullptr && method->is_scalar() &&
                         calls_this_program(patroni_yml.find({"bootstrap", method->text, "command"}), "bootstrap");
    return is_ours ? method->text : "pgbackrest";
}

void add_bootstrap(ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments, const std::string& method,
                   const std::string& stanza) {
    const Path block{"bootstrap", method};
    patroni_yml.set({"bootstrap", "method"}, NewNode::of_text(method));
    write_block(patroni_yml, arguments, block, stanza);
    const bool patroni_mode = arguments.patroni_mode || is_guarded(patroni_yml.find(below(block, "recovery_conf")));
    if (patroni_mode) {
        write_recovery_conf(patroni_yml, block);
    }
    if (arguments.post_bootstrap) {
        write_post_bootstrap(patroni_yml);
    }
    write_restore_command(patroni_yml, method, stanza, patroni_mode);
    if (arguments.replicas) {
        write_replica_method(patroni_yml, method, stanza);
    }
}

void add_system_identifier(ConfigurationEdit& patroni_yml, const std::string& method, const std::string& identifier) {
    patroni_yml.set({"bootstrap", method}, NewNode::of_map({{"system-identifier", NewNode::of_text(identifier)}}));
}

void remove_target(ConfigurationEdit& patroni_yml, const std::string& method) {
    const Path block{"bootstrap", method};
    const Path recovery_conf = below(block, "recovery_conf");
    // First, since its values may be aliases of the block's.
    if (const Node* node = patroni_yml.find(recovery_conf)) {
        std::vector<std::string> keys;
        for (const auto& entry : node->entries) {
            if (system::lower(entry.key).starts_with("recovery_target")) {
                keys.push_back(entry.key);
            }
        }
        for (const auto& key : keys) {
            patroni_yml.remove(below(recovery_conf, key));
        }
    }
    for (const std::string key :
         {"type", "target", "nearest", "target-exclusive", "target-timeline", "set", "source", "reuse-data"}) {
        patroni_yml.remove(below(block, key));
    }
}

void require_accepted(const ConfigurationEdit& patroni_yml) {
    auto configuration = patroni_yml.configuration();
    std::vector<GivenOption> given;
    if (!configuration.data_directory) {
        given.push_back({"datadir", "/data"});  // Patroni passes its own with the call
    }
    make_request(given, std::move(configuration));
}

}  // namespace patroni_pgbackrest::commands
