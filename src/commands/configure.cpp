#include "commands/configure.hpp"

#include "commands/arguments.hpp"
#include "commands/configure_changes.hpp"
#include "commands/configured_commands.hpp"
#include "commands/configured_in_dcs.hpp"
#include "commands/configured_repository.hpp"
#include "commands/configured_stanza.hpp"
#include "commands/configured_target.hpp"
#include "commands/known_identifier.hpp"
#include "patroni/members.hpp"
#include "pgbackrest/configuration_files.hpp"
#include "system/log.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <iostream>
#include <unistd.h>

namespace patroni_pgbackrest::commands {

namespace {

using patroni::ConfigurationEdit;

constexpr auto configuration_variable = "PATRONI_CONFIGURATION";

std::filesystem::path path_of(const ConfigureArguments& arguments) {
    if (arguments.patroni_config) {
        return *arguments.patroni_config;
    }
    if (own_patroni_environment().contains(configuration_variable)) {
        throw Failure(ExitCode::usage, fmt::format("{} is not a file that can be changed", configuration_variable),
                      "change it where the variable is set, or name a file with --patroni-config");
    }
    throw Failure(ExitCode::usage, "no patroni.yml is named", "name it with --patroni-config");
}

/// What is given on the command line, else what the block has.
std::optional<std::string> setting(const ConfigureArguments& arguments, const ConfigurationEdit& patroni_yml,
                                   const std::string& method, const std::string& name) {
    if (const auto value = value_given(arguments, name)) {
        return value;
    }
    const auto value = in_force(patroni_yml, method, name);
    return value.empty() ? std::nullopt : std::optional(value);
}

std::string ask_for_stanza(const std::string& known) {
    std::cerr << "stanza" + (known.empty() ? "" : " (" + known + ")") + ": " << std::flush;
    std::string line;
    std::getline(std::cin, line);
    const std::string stanza(system::trim(line));
    if (stanza.empty()) {
        throw Failure(ExitCode::usage, "no stanza is given", "name it with --stanza");
    }
    return stanza;
}

std::string stanza_of(const ConfigureArguments& arguments, const ConfigurationEdit& patroni_yml,
                      const std::string& method) {
    if (const auto stanza = known_stanza(patroni_yml, arguments, method)) {
        return *stanza;
    }
    const auto stanzas = pgbackrest::configured_stanzas(configured_pgbackrest(patroni_yml, arguments, method));
    if (stanzas.size() == 1) {
        return stanzas.front();
    }
    const std::string known = system::join(stanzas, ", ");
    if (::isatty(STDIN_FILENO) == 1) {
        return ask_for_stanza(known);
    }
    throw Failure(ExitCode::usage,
                  stanzas.empty() ? "no stanza is given, and pgBackRest's configuration has none"
                                  : "no stanza is given, and pgBackRest's configuration has several: " + known,
                  "name it with --stanza");
}

void refuse_what_remove_does_not_take(const ConfigureArguments& arguments) {
    if (arguments.remove && (!arguments.options.empty() || arguments.patroni_mode || arguments.replicas ||
                             arguments.post_bootstrap || arguments.replace)) {
        throw Failure(ExitCode::usage, "--remove takes out the target, and adds nothing",
                      "give --patroni-config, --method and --write with it, and nothing else");
    }
}

/// What the DCS knows of the scope; nothing where it cannot be asked.
patroni::ScopeState look_up_scope(const patroni::ConfigurationSource& source, const yaml::Node& tree,
                                  const std::string& scope) {
    return scope.empty() ? patroni::ScopeState()
                         : patroni::ScopeQuery(source, tree, scope, patroni::Silence::is_away).answer();
}

/// So that a restore cannot take another cluster for this one once the DCS has forgotten it.
void write_identifier_down(ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments,
                           const patroni::ScopeState& state, const std::string& method) {
    const auto known = known_identifier(state, patroni_yml.configuration());
    if (!known) {
        return;
    }
    const auto written = setting(arguments, patroni_yml, method, "system-identifier");
    if (!written) {
        log::info("system-identifier {} is from {}", known->number, known->known_from);
        add_system_identifier(patroni_yml, method, known->number);
    } else if (*written != known->number) {
        log::warning("system-identifier is {}, and {} has {}: it is left as it is", *written, known->known_from,
                     known->number);
    }
}

void tell_of_lost_target(const std::vector<std::string>& before, const std::vector<std::string>& after) {
    const auto is_left = [&](const std::string& setting) {
        return std::find(after.begin(), after.end(), setting) != after.end();
    };
    if (!std::all_of(before.begin(), before.end(), is_left)) {
        log::info("another target takes the place of the one that was there: --remove will not bring that one back");
    }
}

void warn_of_kept_target(const std::vector<std::string>& kept, const std::string& method) {
    if (!kept.empty()) {
        log::warning(
            "bootstrap.{} still has {} of an earlier restore, and the next one would go there again: give what "
            "is meant as well, or take the target out with --remove first",
            method, system::join(kept, ", "));
    }
}

/// All that bootstrap needs of patroni.yml, with the target that was given.
void add_what_is_needed(ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments,
                        const patroni::ConfigurationSource& source, const std::string& method) {
    const auto target_before = target_settings(patroni_yml, method);
    const auto scope = text_at(patroni_yml, {"scope"});
    const auto state = look_up_scope(source, patroni_yml.tree(), scope);
    const auto stanza = stanza_of(arguments, patroni_yml, method);
    const auto dcs = patroni::with_dcs(source, scope, state).dcs;
    if (!value_given(arguments, "stanza")) {
        require_stanza_of_dcs(dcs, stanza);
    }
    for (const auto& change : add_bootstrap(patroni_yml, arguments, method, stanza, dcs)) {
        log::write(change, log::Level::warning);
    }
    const auto target_after = target_settings(patroni_yml, method);
    tell_of_lost_target(target_before, target_after);
    warn_of_kept_target(kept_of_target(target_before, target_after, arguments.options), method);
    write_identifier_down(patroni_yml, arguments, state, method);
    require_accepted(patroni_yml, arguments);
}

void show(const ConfigurationEdit& patroni_yml) {
    const std::string diff = patroni_yml.diff();
    if (std::fwrite(diff.data(), 1, diff.size(), stdout) != diff.size() || std::fflush(stdout) != 0) {
        const int error = errno;
        throw Failure(ExitCode::system_refused,
                      fmt::format("the difference cannot be written to standard output: {}", std::strerror(error)),
                      "nothing was changed; look where standard output goes, or " + system::hint_for(error));
    }
}

bool is_of_configuration(std::string_view name) {
    return name == "pgbackrest" || name == "pgbackrest-config" || name == "config-path" ||
           name == "config-include-path";
}

}  // namespace

const std::vector<OptionDefinition>& options_of_configure() {
    using enum OptionKind;
    using enum OptionOwner;
    static const std::vector<OptionDefinition> table = {
        {"patroni-config", value, ours, "PATH", "patroni.yml, or a directory of YAML files"},
        {"method", value, ours, "NAME", "the block's name [the one in force when it is ours, else pgbackrest]"},
        {"patroni-mode", flag, ours, "", "write recovery_conf as well: Patroni's PostgreSQL replays the WAL"},
        {"replicas", flag, ours, "", "write the replica method pgbackrest as well, before basebackup"},
        {"post-bootstrap", flag, ours, "", "write post_bootstrap as well: patroni_pgbackrest verify"},
        {"replace", flag, ours, "",
         "write over other programs' commands, too: method, restore_command, replica method"},
        {"remove", flag, ours, "", "take the target out again, from block and recovery_conf, and do nothing else"},
        {"write", flag, ours, "", "change the file; without it the difference is shown, no more"},
    };
    return table;
}

std::vector<OptionDefinition> configurable_options() {
    std::vector<OptionDefinition> options;
    for (const auto& option : bootstrap_options()) {
        const bool is_target = option.owner == OptionOwner::target && option.name != "target-action";
        if (is_target || is_of_configuration(option.name)) {
            options.push_back(option);
            if (option.name == "stanza") {
                options.back().help =
                    "pgBackRest's stanza [the block's; else the commands'; else the only one configured]";
            }
        }
    }
    return options;
}

void configure(const ConfigureArguments& arguments) {
    refuse_what_remove_does_not_take(arguments);
    const auto path = path_of(arguments);
    ConfigurationEdit patroni_yml(path, own_patroni_environment());
    const std::string method = method_of(arguments, patroni_yml);
    if (arguments.remove) {
        remove_target(patroni_yml, method);
    } else {
        add_what_is_needed(patroni_yml, arguments, {path, own_patroni_environment()}, method);
    }
    if (!patroni_yml.is_changed()) {
        log::info("{} {}: there is nothing to change", path.string(),
                  arguments.remove ? "has no target" : "already has all of this");
        return;
    }
    if (arguments.remove) {
        log::info("only the target is taken out: bootstrap.{} stays as any other restore needs it", method);
    }
    show(patroni_yml);
    if (!arguments.write) {
        log::info("nothing was written: run it again with --write to write it");
        return;
    }
    for (const auto& file : patroni_yml.write()) {
        log::info("{} is written", file.string());
    }
}

}  // namespace patroni_pgbackrest::commands
