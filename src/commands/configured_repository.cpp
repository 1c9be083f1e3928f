#include "commands/configured_repository.hpp"

#include "commands/configured_commands.hpp"
#include "patroni/command_words.hpp"
#include "postgres/configuration.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <fmt/format.h>
#include <string_view>

namespace patroni_pgbackrest::commands {

using patroni::ConfigurationEdit;
namespace {

/// As pgBackRest spells it, and the method's block.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> of_configuration = {
    {{"config", "pgbackrest-config"}, {"config-path", "config-path"}, {"config-include-path", "config-include-path"}}};

struct ExistingCommand {
    yaml::Path path;
    std::vector<std::string> words;
};

/// `PGBACKREST_CONFIG=/x` before the program is `--config=/x`.
std::string as_option(std::string word) {
    constexpr std::string_view prefix = "PGBACKREST_";
    const auto end = word.find('=');
    const bool is_known =
        word.starts_with(std::string(prefix) + "CONFIG") || word.starts_with(std::string(prefix) + "STANZA");
    if (!is_known || end == std::string::npos) {
        return word;
    }
    auto name = system::lower(word.substr(prefix.size(), end - prefix.size()));
    std::replace(name.begin(), name.end(), '_', '-');
    return "--" + name + word.substr(end);
}

/// What pgbackrest is told: its own options, and what is assigned before it. A wrapper's options are not its. Empty
/// where it is not run.
std::vector<std::string> told_pgbackrest(const ConfigurationEdit& patroni_yml, const yaml::Path& path) {
    const auto text = text_at(patroni_yml, path);
    const auto called = patroni::words_from(text, "pgbackrest");
    if (called.empty()) {
        return {};
    }
    auto words = patroni::command_words(text);
    const auto program = words.end() - static_cast<std::ptrdiff_t>(called.size());
    words.erase(std::remove_if(words.begin(), program, [](const std::string& word) { return word.starts_with("-"); }),
                program);
    const bool is_of_postgresql = path.back() != "command";
    for (auto& word : words) {
        // PostgreSQL takes `%%` for `%`.
        for (auto at = word.find("%%"); is_of_postgresql && at != std::string::npos; at = word.find("%%", at + 1)) {
            word.erase(at, 1);
        }
        word = as_option(std::move(word));
    }
    return words;
}

/// Those that run pgbackrest for this stanza, or for the one that its configuration names.
std::vector<ExistingCommand> commands_in(const ConfigurationEdit& patroni_yml, const std::string& method,
                                         const std::string& stanza) {
    std::vector<ExistingCommand> commands;
    for (const auto& path : paths_of_commands(patroni_yml, method)) {
        auto words = told_pgbackrest(patroni_yml, path);
        if (!words.empty() && patroni::option_in(words, "stanza").value_or(stanza) == stanza) {
            commands.push_back({path, std::move(words)});
        }
    }
    return commands;
}

/// `--repo1-path`, but not how long its backups are kept.
bool is_of_repository(const std::string& word) {
    auto name = system::lower(word.substr(0, word.find('=')));
    std::replace(name.begin(), name.end(), '_', '-');
    for (const std::string_view prefix : {"--repo", "pgbackrest-repo"}) {
        const auto digits = name.starts_with(prefix) ? name.find_first_not_of("0123456789", prefix.size()) : 0;
        if (digits != std::string::npos && digits > prefix.size() && name[digits] == '-') {
            return name.find("-retention-") == std::string::npos;
        }
    }
    return false;
}

std::string given_or_in_block(const ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments,
                              const std::string& method, const std::string& name) {
    const auto value = value_given(arguments, name);
    return value ? *value : in_force(patroni_yml, method, name);
}

/// Throws Failure(usage) where two of them name different ones.
std::string named_by(const std::vector<ExistingCommand>& commands, std::string_view name, std::string_view in_block,
                     const ConfigurationEdit& patroni_yml) {
    std::string value;
    const ExistingCommand* from = nullptr;
    for (const auto& command : commands) {
        const auto named = patroni::option_in(command.words, name).value_or("");
        if (!named.empty() && from != nullptr && named != value) {
            refuse(patroni_yml, command.path,
                   fmt::format("has --{}={}, and {} has {}", name, named, yaml::text(from->path), value),
                   fmt::format("say which one a restore reads with --{}", in_block));
        }
        if (!named.empty()) {
            value = named;
            from = &command;
        }
    }
    return value;
}

std::string quoted(std::string_view name, std::string_view value) {
    return " " + postgres::quote_command_word(fmt::format("--{}={}", name, value));
}

}  // namespace

NamedRepository named_repository(const ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments,
                                 const std::string& method, const std::string& stanza) {
    const auto commands = commands_in(patroni_yml, method, stanza);
    NamedRepository result;
    result.program = given_or_in_block(patroni_yml, arguments, method, "pgbackrest");
    result.stanza = stanza;
    for (const auto& [name, in_block] : of_configuration) {
        auto value = given_or_in_block(patroni_yml, arguments, method, std::string(in_block));
        if (value.empty()) {
            try {
                value = named_by(commands, name, in_block, patroni_yml);
            } catch (const Failure& failure) {
                result.conflict = failure;
            }
        }
        if (!value.empty()) {
            result.configuration.emplace_back(in_block, std::move(value));
        }
    }
    for (const auto& command : commands) {
        for (const auto& word : command.words) {
            if (is_of_repository(word) && (result.path.empty() || result.path == command.path)) {
                result.repositories.push_back(word.substr(0, word.find('=')));
                result.path = command.path;
            }
        }
    }
    return result;
}

pgbackrest::Pgbackrest configured_pgbackrest(const ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments,
                                             const std::string& method) {
    const auto command = text_at(patroni_yml, {"bootstrap", method, "command"});
    std::vector<std::string> variables;
    if (patroni::calls_us(command, "bootstrap")) {
        for (const auto& word : patroni::command_words(command)) {
            if (word.starts_with("PGBACKREST_")) {
                variables.push_back(as_option(word));
            }
        }
    }
    pgbackrest::Pgbackrest pgbackrest;
    for (const auto& [name, in_block] : of_configuration) {
        auto value = given_or_in_block(patroni_yml, arguments, method, std::string(in_block));
        if (value.empty()) {
            value = patroni::option_in(variables, name).value_or("");
        }
        if (!value.empty()) {
            pgbackrest.common.push_back({std::string(name), std::move(value)});
        }
    }
    return pgbackrest;
}

std::string pgbackrest_call(const NamedRepository& repository) {
    std::string call = postgres::quote_command_word(repository.program.empty() ? "pgbackrest" : repository.program);
    for (const auto& [name, value] : repository.configuration) {
        call += quoted(name == "pgbackrest-config" ? "config" : name, value);
    }
    return call + quoted("stanza", repository.stanza);
}

std::string guard_call(const NamedRepository& repository) {
    std::string call = "patroni_pgbackrest archive-get" + quoted("stanza", repository.stanza);
    if (!repository.program.empty()) {
        call += quoted("pgbackrest", repository.program);
    }
    for (const auto& [name, value] : repository.configuration) {
        call += quoted(name, value);
    }
    return call;
}

void refuse_loss_of_repository(const ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments,
                               const NamedRepository& repository) {
    if (repository.conflict) {
        throw Failure(*repository.conflict);
    }
    if (!repository.repositories.empty() && !arguments.replace) {
        const auto names = system::join(repository.repositories, ", ");
        refuse(patroni_yml, repository.path, "names the repository with " + names + ", and a restore would not know it",
               "write it into pgBackRest's configuration file instead, which every command reads, or let --replace "
               "write commands without it");
    }
}

}  // namespace patroni_pgbackrest::commands
