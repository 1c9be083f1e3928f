#include "commands/arguments.hpp"

#include "commands/command_line.hpp"
#include "patroni/method_block.hpp"
#include "process/launch.hpp"
#include "system/failure.hpp"
#include "system/log.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <iterator>
#include <string_view>
#include <unistd.h>

extern char** environ;

namespace patroni_pgbackrest::commands {

namespace {

/// `name` of `--name` and of `--name=value`.
std::string name_of(const std::string& word) {
    const auto sign = word.find('=');
    return word.substr(2, sign == std::string::npos ? sign : sign - 2);
}

bool has_key(const patroni::MethodBlock& block, const std::string& name) {
    return std::any_of(block.entries.begin(), block.entries.end(),
                       [&](const patroni::BlockEntry& entry) { return entry.key == name; });
}

/// Whether the block's command starts this very program. A script of its name may add words.
bool starts_this_program(const patroni::MethodBlock& block) {
    const auto call = patroni::call_of_us(block.command, "bootstrap");
    return call && process::is_this_program(block.command.at(block.command.size() - call->words.size() - 1));
}

void refuse_earlier_block(const std::vector<std::string>& words, const patroni::MethodBlock& block) {
    const bool is_ours = !words.empty() && words.front() == "bootstrap" && starts_this_program(block);
    if (const auto left = is_ours ? left_of_earlier_block(words, block) : std::nullopt) {
        throw Failure(ExitCode::usage,
                      {Problem{fmt::format("bootstrap.{} is not what Patroni calls ({}): Patroni goes by what it read "
                                           "before the file was changed",
                                           block.name, *left),
                               "start Patroni again, or let it read the file (SIGHUP)", block.place}});
    }
}

}  // namespace

std::map<std::string, std::string> own_patroni_environment() {
    std::map<std::string, std::string> variables;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text(*entry);
        const auto sign = text.find('=');
        if (text.starts_with("PATRONI_") && sign != std::string::npos) {
            variables[text.substr(0, sign)] = text.substr(sign + 1);
        }
    }
    return variables;
}

std::vector<std::string> without_appended(const std::vector<std::string>& words, const patroni::MethodBlock& block) {
    auto appended = std::find_if(words.rbegin(), words.rend(), [](const std::string& word) {
                        return word.starts_with("--datadir=");
                    }).base();
    // Behind the program, which may stand behind another one (`env X=y`).
    const auto& command = block.command;
    const auto call = patroni::call_of_us(command, "bootstrap");
    const auto written = call              ? call->words
                         : command.empty() ? std::vector<std::string>()
                                           : std::vector<std::string>(command.begin() + 1, command.end());
    if (appended == words.begin() && !command.empty() && words.size() >= written.size() &&
        std::equal(written.begin(), written.end(), words.begin())) {
        appended += std::ssize(written);
    } else if (appended == words.begin()) {
        appended = words.end();
    }
    std::vector<std::string> kept(words.begin(), appended);
    for (auto word = appended; word != words.end(); ++word) {
        const auto name = word->starts_with("--") ? name_of(*word) : std::string();
        // Patroni 3.2.0 also passed the command itself.
        if (!has_key(block, name) && name != "command") {
            kept.push_back(*word);
        }
    }
    return kept;
}

std::optional<std::string> left_of_earlier_block(const std::vector<std::string>& words,
                                                 const patroni::MethodBlock& block) {
    static constexpr std::array<std::string_view, 3> of_patroni = {"scope", "datadir", "command"};
    const auto call = patroni::call_of_us(block.command, "bootstrap");
    if (!call) {
        return std::nullopt;
    }
    const auto& written = call->words;
    if (words.size() < written.size() || !std::equal(written.begin(), written.end(), words.begin())) {
        return "its command is another";
    }
    for (auto word = words.begin() + std::ssize(written); word != words.end(); ++word) {
        const auto name = word->starts_with("--") ? name_of(*word) : *word;
        const bool is_patronis = std::find(of_patroni.begin(), of_patroni.end(), name) != of_patroni.end();
        if (!is_patronis && !has_key(block, name)) {
            return fmt::format("--{} is not in it", name);
        }
    }
    return std::nullopt;
}

std::optional<std::string> value_in(const std::vector<std::string>& words, const std::string& name) {
    std::optional<std::string> value;
    for (auto word = words.begin(); word != words.end(); ++word) {
        if (word->starts_with("--" + name + "=")) {
            value = word->substr(name.size() + 3);
        } else if (*word == "--" + name && word + 1 != words.end()) {
            value = *(word + 1);
        }
    }
    return value;
}

void choose_log_format(const std::string& given, const std::optional<patroni::Configuration>& patroni) {
    if (const auto format = log_format({}, patroni); format && given.empty()) {
        log::set_format(*format);
    }
}

void choose_log_format(const BootstrapArguments& arguments) {
    if (const auto format = log_format(arguments.options, arguments.patroni)) {
        log::set_format(*format);
    }
}

void take_variables(const patroni::Configuration& configuration) {
    const auto call = patroni::call_of_bootstrap(configuration);
    if (!call) {
        return;
    }
    for (const auto& variable : call->variables) {
        const auto sign = variable.find('=');
        const auto name = variable.substr(0, sign), value = variable.substr(sign + 1);
        if (value.empty() && name.starts_with("PGBACKREST_")) {
            ::unsetenv(name.c_str());
        } else {
            ::setenv(name.c_str(), value.c_str(), 1);
        }
    }
}

BootstrapArguments read_bootstrap_arguments(const std::vector<std::string>& words) {
    BootstrapArguments arguments;
    const auto calling = patroni::find_calling_patroni();
    if (calling) {
        arguments.calling_patroni = calling->pid;
        arguments.source = calling->source;
    } else {
        arguments.source.environment = own_patroni_environment();
    }
    if (const auto path = value_in(words, "patroni-config")) {
        arguments.source.path = std::filesystem::absolute(*path);
    }
    arguments.patroni = patroni::read_configuration(arguments.source);
    const bool by_patroni = calling && arguments.patroni && arguments.patroni->method;
    if (by_patroni) {
        refuse_earlier_block(words, *arguments.patroni->method);
    }
    arguments.options =
        parse_command_line(by_patroni ? without_appended(words, *arguments.patroni->method) : words).options;
    return arguments;
}

}  // namespace patroni_pgbackrest::commands
