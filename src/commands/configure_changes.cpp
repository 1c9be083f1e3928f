#include "commands/configure_changes.hpp"

#include "commands/configured_commands.hpp"
#include "commands/configured_in_dcs.hpp"
#include "commands/configured_replicas.hpp"
#include "commands/configured_repository.hpp"
#include "commands/configured_target.hpp"
#include "patroni/command_words.hpp"
#include "patroni/dcs_configuration.hpp"
#include "patroni/effective.hpp"
#include "request/patroni_mode.hpp"
#include "system/failure.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace patroni_pgbackrest::commands {

namespace {

using patroni::ConfigurationEdit;
using yaml::NewNode;
using yaml::Node;
using yaml::Path;

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

bool is_guarded(const Node* recovery_conf) {
    const Node* command = recovery_conf == nullptr
                              ? nullptr
                              : yaml::find(*recovery_conf, {spelling_of(recovery_conf, "restore_command")});
    return command != nullptr && command->is_scalar() && is_guard(command->text);
}

/// What is given on the command line has its place there.
patroni::Configuration configuration_of(const ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments) {
    try {
        auto configuration = patroni_yml.configuration();
        for (const auto& option : arguments.options) {
            for (std::size_t i = 0; configuration.method && i < configuration.method->entries.size(); ++i) {
                auto& entry = configuration.method->entries[i];
                if (entry.key == option.name) {
                    entry.place = "--" + option.name;
                    for (auto& value : entry.values) {
                        value.place = entry.place;
                    }
                }
            }
        }
        return configuration;
    } catch (const Failure& failure) {
        throw Failure(failure.code(), patroni_yml.on_disk(failure.problems()));
    }
}

/// Throws Failure(usage) with every problem that `bootstrap` would have with it.
Request accepted(const ConfigurationEdit& patroni_yml, patroni::Configuration configuration) {
    std::vector<GivenOption> given;
    if (!configuration.data_directory) {
        given.push_back({"datadir", "/data"});  // Patroni passes its own with the call
    }
    try {
        return make_request(given, std::move(configuration));
    } catch (const Failure& failure) {
        throw Failure(failure.code(), patroni_yml.on_disk(failure.problems()));
    }
}

void refuse_loss(const ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments, const Path& path,
                 const std::string& command) {
    if (command.empty() || arguments.replace) {
        return;
    }
    if (!is_plain_pgbackrest(command, "restore")) {
        refuse(patroni_yml, path, "runs another program",
               "name another block with --method, or let --replace write this program there");
    }
    const auto lost = options_lost(command, arguments);
    if (!lost.empty()) {
        refuse(patroni_yml, path, "has options that would be lost: " + system::join(lost, ", "),
               "give them to configure as well or write them into the block afterwards, and let --replace write this "
               "program there");
    }
}

void write_block(ConfigurationEdit& patroni_yml, ConfigureArguments arguments, const Path& block,
                 const NamedRepository& repository) {
    std::vector<std::pair<std::string, NewNode>> entries;
    const Path path = below(block, "command");
    const auto command = text_at(patroni_yml, path);
    if (!patroni::calls_us(command, "bootstrap")) {
        for (const auto& [name, value] : repository.configuration) {
            arguments.options.push_back({name, value});  // what is given is among them
        }
        require_stanza(patroni_yml, path, arguments, repository.stanza);
        refuse_loss(patroni_yml, arguments, path, command);
        refuse_loss_of_repository(patroni_yml, arguments, repository);
        entries.emplace_back("command", NewNode::of_text("patroni_pgbackrest bootstrap"));
    }
    const auto is_given = [&](std::string_view name) {
        return std::any_of(arguments.options.begin(), arguments.options.end(),
                           [&](const auto& option) { return option.name == name; });
    };
    // A target of another type is another target: what is left of the last one would contradict it.
    for (const std::string name : {"target", "target-exclusive"}) {
        if (is_given("type") && !is_given(name)) {
            take_out_of_command(patroni_yml, block, {name});
            patroni_yml.remove(below(block, name));
        }
    }
    const auto add = [&](const OptionDefinition& definition, const std::string& value) {
        const std::string name(definition.name);
        if (patroni::option_in(words_of_command(patroni_yml, block), name) != value) {
            take_out_of_command(patroni_yml, block, {name});
            std::erase_if(entries, [&](const auto& entry) { return entry.first == name; });  // given more than once
            entries.emplace_back(name, written_option(definition, value));
        }
    };
    add(*find_option("stanza"), repository.stanza);
    for (const auto& definition : configurable_options()) {
        for (const auto& option : arguments.options) {
            if (option.name == definition.name && option.name != "stanza") {
                add(definition, option.value);
            }
        }
    }
    patroni_yml.set(block, NewNode::of_map(std::move(entries)));
}

/// Whether a restore_command is the one that this command writes itself.
bool is_written_here(const std::string& restore_command, const std::string& call) {
    return restore_command.empty() ||
           patroni::command_words(restore_command) == patroni::command_words(call + " archive-get %f %p");
}

/// The recovery_conf that agrees with the rest of the block.
void write_recovery_conf(ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments, const std::string& method,
                         const NamedRepository& repository) {
    const Path block{"bootstrap", method};
    patroni::Configuration standalone = configuration_of(patroni_yml, arguments);
    if (!standalone.method) {
        return;  // require_accepted() says why
    }
    standalone.method->recovery_conf.reset();
    std::erase_if(standalone.method->entries, [](const auto& entry) { return entry.key == "recovery"; });
    const Request request = accepted(patroni_yml, std::move(standalone));
    const auto corrected = corrected_recovery_conf(request).entries;
    const auto is_wanted = [&](const std::string& name) {
        return std::any_of(corrected.begin(), corrected.end(), [&](const auto& entry) { return entry.first == name; });
    };

    const Path path = below(block, "recovery_conf");
    std::vector<std::string> stale;
    if (const Node* current = patroni_yml.find(path)) {
        for (const auto& entry : current->entries) {
            const std::string name = system::lower(entry.key);
            const bool is_default =
                name == "recovery_target_timeline" && !request.timeline && entry.value->text == "latest";
            if (name.starts_with("recovery_target") && !is_wanted(name) && !is_default) {
                stale.push_back(entry.key);
            }
        }
    }
    for (const auto& key : stale) {
        patroni_yml.remove(below(path, key));
    }
    std::vector<std::pair<std::string, NewNode>> entries;
    const Node* current = patroni_yml.find(path);
    const Path command = below(path, spelling_of(current, "restore_command"));
    const auto call = pgbackrest_call(repository);
    if (!is_guarded(current) && !is_written_here(text_at(patroni_yml, command), call) && !arguments.replace) {
        refuse(patroni_yml, command, "runs something else than the guard",
               "let --replace write patroni_pgbackrest archive-get there, or take recovery_conf out");
    }
    require_stanza(patroni_yml, command, arguments, repository.stanza);
    for (const auto& [name, value] : corrected) {
        if (name != "restore_command" || !is_guarded(current)) {
            entries.emplace_back(spelling_of(current, name), value);
        }
    }
    patroni_yml.set(path, NewNode::of_map(std::move(entries)));
    set_stanza(patroni_yml, command, arguments, repository.stanza);  // of a guard that was there
}

/// Where Patroni takes the standbys' one from: a new recovery_conf elsewhere could hide what is in force.
void write_restore_command(ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments,
                           const NamedRepository& repository, bool patroni_mode) {
    const auto in_force = patroni::recovery_conf_of_standbys(patroni_yml.tree());
    const auto* setting = in_force.find("restore_command");
    const Path path = setting == nullptr ? below(in_force.path, "restore_command") : setting->path;
    const auto current = text_at(patroni_yml, path);
    const auto call = pgbackrest_call(repository);
    const bool is_guarded_already = is_guard(current);
    if (is_guarded_already || (!patroni_mode && patroni::calls_pgbackrest(current, "archive-get"))) {
        set_stanza(patroni_yml, path, arguments, repository.stanza);
        return;
    }
    if (!is_written_here(current, call) && !arguments.replace) {
        if (patroni_mode) {
            refuse(patroni_yml, path, "runs something else than the guard",
                   "let --replace write patroni_pgbackrest archive-get there");
        }
        leave_alone(path);
        return;
    }
    require_stanza(patroni_yml, path, arguments, repository.stanza);
    refuse_loss_of_repository(patroni_yml, arguments, repository);
    patroni_yml.set(path, NewNode::of_text(standbys_command(repository, patroni_mode)));
}

/// A recovery_conf in patroni.yml would hide all that the DCS has in its own.
std::vector<Problem> write_restore_command_where_it_counts(ConfigurationEdit& patroni_yml,
                                                           const ConfigureArguments& arguments,
                                                           const NamedRepository& repository, bool patroni_mode,
                                                           const patroni::DcsConfiguration& dcs) {
    const auto tree = patroni::with_dcs_configuration(patroni_yml.tree(), dcs.json);
    const auto in_force = patroni::recovery_conf_of_standbys(*tree);
    const bool counts = !is_in_dcs(in_force.path, dcs);
    if (counts || !patroni::recovery_conf_of_standbys(patroni_yml.tree()).settings.empty()) {
        write_restore_command(patroni_yml, arguments, repository, patroni_mode);
    }
    const auto change = counts ? std::nullopt : restore_command_in_dcs(in_force, repository, patroni_mode, dcs.edit);
    return change ? std::vector<Problem>{*change} : std::vector<Problem>();
}

void write_post_bootstrap(ConfigurationEdit& patroni_yml) {
    for (const std::string key : {"post_bootstrap", "post_init"}) {
        const Node* command = patroni_yml.find({"bootstrap", key});
        if (patroni::calls_us(text_at(patroni_yml, {"bootstrap", key}), "verify")) {
            return;
        }
        if (command != nullptr && !yaml::blank(*command)) {
            refuse(patroni_yml, {"bootstrap", key}, "runs something else already",
                   "call patroni_pgbackrest verify in it, or take it out first");
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
    const std::string usual = "pgbackrest";
    const auto method = text_at(patroni_yml, {"bootstrap", "method"});
    if (patroni::calls_us(text_at(patroni_yml, {"bootstrap", method, "command"}), "bootstrap")) {
        return method;
    }
    // A script may call this program, which has the block's options then.
    if (arguments.remove && method != usual && has_target(patroni_yml, method)) {
        refuse(patroni_yml, {"bootstrap", "method"}, "is " + method + ", which runs another program and has a target",
               is_plain_name(method) ? "take it out with --method=" + method + ", or name another block with --method"
                                     : "take it out by hand, or name another block with --method");
    }
    return usual;
}

std::vector<Problem> add_bootstrap(ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments,
                                   const std::string& method, const std::string& stanza,
                                   const patroni::DcsConfiguration& dcs) {
    const Path block{"bootstrap", method};
    const auto repository = named_repository(patroni_yml, arguments, method, stanza);
    patroni_yml.set({"bootstrap", "method"}, NewNode::of_text(method));
    write_block(patroni_yml, arguments, block, repository);
    // With a recovery_conf in the block Patroni replays.
    const bool patroni_mode = arguments.patroni_mode || patroni_yml.find(below(block, "recovery_conf")) != nullptr;
    if (patroni_mode) {
        write_recovery_conf(patroni_yml, arguments, method, repository);
    }
    if (arguments.post_bootstrap) {
        write_post_bootstrap(patroni_yml);
    }
    auto changes = write_restore_command_where_it_counts(patroni_yml, arguments, repository, patroni_mode, dcs);
    if (arguments.replicas) {
        write_replica_method(patroni_yml, arguments, repository, dcs);
    }
    return changes;
}

void add_system_identifier(ConfigurationEdit& patroni_yml, const std::string& method, const std::string& identifier) {
    patroni_yml.set({"bootstrap", method}, NewNode::of_map({{"system-identifier", NewNode::of_text(identifier)}}));
}

void require_accepted(const ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments) {
    accepted(patroni_yml, configuration_of(patroni_yml, arguments));
}

}  // namespace patroni_pgbackrest::commands
