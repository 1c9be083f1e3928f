#include "commands/configured_target.hpp"

#include "commands/configured_commands.hpp"
#include "patroni/command_words.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <utility>

namespace patroni_pgbackrest::commands {

using patroni::ConfigurationEdit;
using yaml::Node;
using yaml::Path;

namespace {

const std::vector<std::string>& keys_of_target() {
    static const std::vector<std::string> keys = {"type", "target", "nearest",   "target-exclusive", "target-timeline",
                                                  "set",  "source", "reuse-data"};
    return keys;
}

/// Of these, what `remove` takes out: `reuse-data: auto` names nothing of one incident, and stays.
std::vector<std::string> keys_of_target(const ConfigurationEdit& patroni_yml, const std::string& method) {
    auto keys = keys_of_target();
    if (in_force(patroni_yml, method, "reuse-data") == "auto") {
        std::erase(keys, "reuse-data");
    }
    return keys;
}

/// The keys of the target as the block's recovery_conf spells them.
std::vector<std::string> keys_in_recovery_conf(const ConfigurationEdit& patroni_yml, const std::string& method) {
    std::vector<std::string> keys;
    const Node* node = patroni_yml.find({"bootstrap", method, "recovery_conf"});
    const bool has_timeline = !in_force(patroni_yml, method, "target-timeline").empty();
    for (const auto& entry : node == nullptr ? std::vector<yaml::Entry>() : node->entries) {
        const std::string name = system::lower(entry.key);
        const std::string& value = entry.value->text;
        // It was there, or could have been, before there was a target.
        const bool is_default = (name == "recovery_target_action" && value == "promote") ||
                                (name == "recovery_target_timeline" && value == "latest" && !has_timeline);
        if (name.starts_with("recovery_target") && !is_default) {
            keys.push_back(entry.key);
        }
    }
    return keys;
}

/// `--type`, where the block's command runs another program; empty if it has none of them.
std::string option_of_another_program(const ConfigurationEdit& patroni_yml, const std::string& method) {
    const auto command = text_at(patroni_yml, {"bootstrap", method, "command"});
    if (!patroni::calls_us(command, "bootstrap")) {
        const auto words = patroni::command_words(command);
        for (const auto& key : keys_of_target()) {
            if (patroni::option_in(words, key)) {
                return "--" + key;
            }
        }
    }
    return {};
}

}  // namespace

void remove_target(ConfigurationEdit& patroni_yml, const std::string& method) {
    const Path block{"bootstrap", method};
    if (const auto option = option_of_another_program(patroni_yml, method); !option.empty()) {
        refuse(patroni_yml, below(block, "command"), "runs another program with " + option,
               "take the options of a target out by hand");
    }
    // First, since its values may be aliases of the block's.
    for (const auto& key : keys_in_recovery_conf(patroni_yml, method)) {
        patroni_yml.remove({"bootstrap", method, "recovery_conf", key});
    }
    const auto keys = keys_of_target(patroni_yml, method);
    take_out_of_command(patroni_yml, block, keys);
    for (const auto& key : keys) {
        patroni_yml.remove(below(block, key));
    }
}

std::vector<std::string> target_settings(const ConfigurationEdit& patroni_yml, const std::string& method) {
    std::vector<std::string> settings;
    for (const auto& key : keys_of_target(patroni_yml, method)) {
        if (auto value = in_force(patroni_yml, method, key); !value.empty()) {
            settings.push_back(key + "=" + std::move(value));
        }
    }
    for (const auto& key : keys_in_recovery_conf(patroni_yml, method)) {
        settings.push_back(system::lower(key) + "=" +
                           text_at(patroni_yml, {"bootstrap", method, "recovery_conf", key}));
    }
    return settings;
}

std::vector<std::string> kept_of_target(const std::vector<std::string>& before, const std::vector<std::string>& after,
                                        const std::vector<GivenOption>& given) {
    std::vector<std::string> kept;
    for (const auto& key : keys_of_target()) {
        const bool is_given = std::any_of(given.begin(), given.end(), [&](const auto& one) { return one.name == key; });
        const auto is_its = [&](const std::string& setting) { return setting.starts_with(key + "="); };
        const auto setting = std::find_if(before.begin(), before.end(), is_its);
        // The latest point of the newest timeline is no incident's.
        if (!is_given && setting != before.end() && *setting != key + "=latest" &&
            std::find(after.begin(), after.end(), *setting) != after.end()) {
            kept.push_back(key);
        }
    }
    return kept;
}

bool has_target(const ConfigurationEdit& patroni_yml, const std::string& method) {
    return !target_settings(patroni_yml, method).empty() || !option_of_another_program(patroni_yml, method).empty();
}

}  // namespace patroni_pgbackrest::commands
