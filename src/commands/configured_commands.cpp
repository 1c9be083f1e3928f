#include "commands/configured_commands.hpp"

#include "patroni/command_words.hpp"
#include "patroni/effective.hpp"
#include "system/failure.hpp"
#include "system/log.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

namespace patroni_pgbackrest::commands {

using patroni::ConfigurationEdit;
using yaml::NewNode;
using yaml::Node;
using yaml::Path;

Path below(const Path& path, const std::string& key) {
    Path longer = path;
    longer.push_back(key);
    return longer;
}

std::string text_at(const ConfigurationEdit& patroni_yml, const Path& path) {
    const Node* node = patroni_yml.find(path);
    return node == nullptr || yaml::blank(*node) || !node->is_scalar() ? std::string() : node->text;
}

void refuse(const ConfigurationEdit& patroni_yml, const Path& path, const std::string& message,
            const std::string& hint) {
    const Node* node = patroni_yml.find(path);
    throw Failure(ExitCode::usage, patroni_yml.on_disk({Problem{yaml::text(path) + " " + message, hint,
                                                                node == nullptr ? std::string() : node->place}}));
}

void leave_alone(const Path& path) {
    log::warning("{} runs something else, and is left as it is: --replace writes pgbackrest there", yaml::text(path));
}

std::vector<std::string> words_of_command(const ConfigurationEdit& patroni_yml, const Path& block) {
    const auto command = text_at(patroni_yml, below(block, "command"));
    return patroni::calls_us(command, "bootstrap") ? patroni::words_from(command, "patroni_pgbackrest")
                                                   : std::vector<std::string>();
}

std::string in_force(const ConfigurationEdit& patroni_yml, const std::string& method, const std::string& name) {
    const Path block{"bootstrap", method};
    const auto in_command = patroni::option_in(words_of_command(patroni_yml, block), name);
    return in_command.value_or(text_at(patroni_yml, below(block, name)));
}

std::vector<Path> paths_of_commands(const ConfigurationEdit& patroni_yml, const std::string& method) {
    std::vector<Path> paths = {{"bootstrap", method, "command"},
                               {"bootstrap", method, "recovery_conf", "restore_command"}};
    if (const auto current = text_at(patroni_yml, {"bootstrap", "method"}); !current.empty() && current != method) {
        paths.push_back({"bootstrap", current, "command"});
    }
    const auto& tree = patroni_yml.tree();
    const auto standbys = patroni::recovery_conf_of_standbys(tree);
    if (const auto* setting = standbys.find("restore_command")) {
        paths.push_back(setting->path);
    }
    std::vector<std::string> replica_methods{"pgbackrest"};
    for (const auto& replica : patroni::replica_methods(tree.map_at("postgresql"),
                                                        tree.map_at("bootstrap").map_at("dcs").map_at("postgresql"))) {
        if (replica.name->text != "pgbackrest") {
            replica_methods.push_back(replica.name->text);
        }
    }
    for (const auto& section : {Path{"postgresql"}, Path{"bootstrap", "dcs", "postgresql"}}) {
        if (const auto* parameters = patroni_yml.find(below(section, "parameters"))) {
            if (const auto* entry = patroni::find_any_case(*parameters, "archive_command")) {
                paths.push_back(below(below(section, "parameters"), entry->key));
            }
        }
        for (const auto& name : replica_methods) {
            paths.push_back(below(below(section, name), "command"));
        }
    }
    return paths;
}

std::optional<std::string> value_given(const ConfigureArguments& arguments, const std::string& name) {
    const auto found = std::find_if(arguments.options.rbegin(), arguments.options.rend(),
                                    [&](const GivenOption& option) { return option.name == name; });
    return found == arguments.options.rend() ? std::nullopt : std::optional(found->value);
}

void take_out_of_command(ConfigurationEdit& patroni_yml, const Path& block, const std::vector<std::string>& names) {
    const auto words = words_of_command(patroni_yml, block);
    const bool has_any = std::any_of(names.begin(), names.end(),
                                     [&](const auto& name) { return patroni::option_in(words, name).has_value(); });
    if (!has_any) {
        return;
    }
    const Path path = below(block, "command");
    const auto command = patroni::without_options(text_at(patroni_yml, path), names);
    if (!command) {
        refuse(patroni_yml, path, "has an option of the restore inside quotes", "take it out by hand");
    }
    patroni_yml.set(path, NewNode::of_text(*command));
}

bool is_plain_pgbackrest(const std::string& command, const std::string& verb) {
    const auto words = patroni::command_words(command);
    return !words.empty() && std::filesystem::path(words.front()).filename() == "pgbackrest" &&
           patroni::calls_pgbackrest(command, verb);
}

std::vector<std::string> options_lost(const std::string& command, const ConfigureArguments& arguments) {
    static constexpr std::array<std::string_view, 4> own = {"--stanza", "--delta", "--pg1-path",
                                                            "--target-action=promote"};
    std::vector<std::string> lost;
    for (const auto& word : patroni::command_words(command)) {
        const auto option = word.substr(0, word.find('='));
        const auto name = option == "--config" ? "--pgbackrest-config" : option;
        const bool is_given = std::any_of(arguments.options.begin(), arguments.options.end(),
                                          [&](const auto& given) { return "--" + given.name == name; });
        const bool is_own =
            std::any_of(own.begin(), own.end(), [&](const auto& one) { return word == one || option == one; });
        if (word.starts_with("--") && !is_given && !is_own) {
            lost.push_back(option);
        }
    }
    return lost;
}

std::vector<std::string> stanzas_in(const std::string& command) {
    static constexpr std::string_view variable = "PGBACKREST_STANZA=";
    const auto words = patroni::command_words(command);
    auto values = patroni::values_in(words, "stanza");
    if (values.empty()) {
        for (const auto& word : words) {
            if (word.starts_with(variable)) {
                values.push_back(word.substr(variable.size()));
            }
        }
    }
    std::vector<std::string> stanzas;
    for (const auto& value : values) {
        const auto stanza = value.substr(0, value.find_first_of(";&|)"));  // of a line for a shell
        if (!stanza.empty() && std::find(stanzas.begin(), stanzas.end(), stanza) == stanzas.end()) {
            stanzas.push_back(stanza);
        }
    }
    return stanzas;
}

std::optional<std::string> other_stanza_in(const std::string& command, const std::string& stanza) {
    const auto named = stanzas_in(command);
    const bool is_other = !named.empty() && std::find(named.begin(), named.end(), stanza) == named.end();
    return is_other ? std::optional(named.front()) : std::nullopt;
}

void require_stanza(const ConfigurationEdit& patroni_yml, const Path& path, const ConfigureArguments& arguments,
                    const std::string& stanza) {
    const auto other = other_stanza_in(text_at(patroni_yml, path), stanza);
    if (other && !value_given(arguments, "stanza")) {
        refuse(patroni_yml, path, "names stanza " + *other + ", and the restore's is " + stanza,
               "name this cluster's with --stanza");
    }
}

void set_stanza(ConfigurationEdit& patroni_yml, const Path& path, const ConfigureArguments& arguments,
                const std::string& stanza) {
    require_stanza(patroni_yml, path, arguments, stanza);
    const auto current = text_at(patroni_yml, path);
    const auto other = other_stanza_in(current, stanza);
    if (!other) {
        return;
    }
    // Not one of two, nor a variable's, nor with what a shell reads behind it.
    const bool is_option =
        stanzas_in(current).size() == 1 && patroni::option_in(patroni::command_words(current), "stanza") == *other;
    const auto changed = is_option ? patroni::with_option(current, "stanza", stanza) : std::nullopt;
    if (!changed) {
        refuse(patroni_yml, path, "names another stanza", "name stanza " + stanza + " there by hand");
    }
    patroni_yml.set(path, NewNode::of_text(*changed));
}

}  // namespace patroni_pgbackrest::commands
