#include "pgbackrest/command_line.hpp"

#include "pgbackrest/origin.hpp"
#include "pgbackrest/printable.hpp"
#include "system/failure.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <string_view>
#include <unistd.h>

namespace patroni_pgbackrest::pgbackrest {

namespace {

constexpr int oldest_version = 2033;  // the first with several repositories, whose JSON and options we rely on

std::string argument(const Option& option) {
    return option.value.empty() ? "--" + option.name : "--" + option.name + "=" + option.value;
}

/// `pgBackRest 2.45`, `pgBackRest 2.60.0`, `pgBackRest 2.60dev`.
std::optional<int> parse_version(std::string_view output) {
    constexpr std::string_view prefix = "pgBackRest ";
    const auto line = system::trim(output);
    if (line.substr(0, prefix.size()) != prefix) {
        return std::nullopt;
    }
    const auto number = line.substr(prefix.size());
    const auto dot = number.find('.');
    if (dot == std::string_view::npos) {
        return std::nullopt;
    }
    const auto end = number.find_first_not_of("0123456789", dot + 1);
    const auto major = system::number(number.substr(0, dot));
    const auto minor = system::number(number.substr(dot + 1, end == std::string_view::npos ? end : end - dot - 1));
    if (!major || !minor || *major > 1000 || *minor > 999) {
        return std::nullopt;
    }
    return static_cast<int>(*major * 1000 + *minor);
}

std::vector<std::string>& dropped() {
    static std::vector<std::string> names;
    return names;
}

}  // namespace

void ignore_environment(process::Command& command) {
    for (const char* name : {"FORCE", "SET", "REPO", "TYPE", "TARGET", "TARGET_ACTION", "TARGET_EXCLUSIVE",
                             "TARGET_TIMELINE", "DB_EXCLUDE", "CIPHER_PASS", "DETAIL_LEVEL", "FILTER", "IGNORE_MISSING",
                             "OUTPUT", "RAW", "RECURSE", "SORT"}) {
        command.environment[std::string("PGBACKREST_") + name] = "";
    }
}

std::optional<std::string> Pgbackrest::variable(const std::string& name) const {
    const auto other = variables.find(name);
    const auto* own = std::getenv(name.c_str());
    const auto value = other != variables.end() ? other->second : std::string(own == nullptr ? "" : own);
    return value.empty() ? std::nullopt : std::optional(value);
}

process::Command Pgbackrest::command(const std::string& verb, const std::vector<Option>& options,
                                     const std::vector<std::string>& positionals) const {
    process::Command result;
    result.program = program;
    if (configuration) {
        result.arguments.push_back(argument({"config", configuration->string()}));
    }
    if (!stanza.empty()) {
        result.arguments.push_back(argument({"stanza", stanza}));
    }
    for (const Option& option : common) {
        result.arguments.push_back(argument(option));
    }
    for (const Option& option : options) {
        result.arguments.push_back(argument(option));
    }
    result.arguments.push_back(verb);
    result.arguments.insert(result.arguments.end(), positionals.begin(), positionals.end());
    ignore_environment(result);
    for (const auto& [name, value] : variables) {
        result.environment[name] = value;
    }
    return result;
}

process::Command Pgbackrest::data_command(const std::string& verb, std::vector<Option> options,
                                          const std::vector<std::string>& positionals) const {
    // 2.33 has no --log-timestamp=n, only this form.
    for (const Option& option :
         {Option{"no-log-timestamp"}, Option{"log-level-console", "off"}, Option{"log-level-stderr", "warn"}}) {
        options.push_back(option);
    }
    return command(verb, options, positionals);
}

void drop_empty_variables() {
    for (char** variable = ::environ; variable != nullptr && *variable != nullptr; ++variable) {
        const std::string_view text = *variable;
        if (text.starts_with("PGBACKREST_") && text.find('=') == text.size() - 1) {
            dropped().emplace_back(text.substr(0, text.size() - 1));
        }
    }
    for (const auto& name : dropped()) {
        ::unsetenv(name.c_str());
    }
}

const std::vector<std::string>& dropped_variables() {
    return dropped();
}

std::string as_typed(const process::Command& command) {
    std::vector<std::string> words;
    for (const auto& [name, value] : variables_of_origin()) {
        words.push_back(fmt::format("{}={}", name, value));
    }
    if (!words.empty()) {
        words.insert(words.begin(), "env");
    }
    words.push_back(command.program);
    words.insert(words.end(), command.arguments.begin(), command.arguments.end());
    std::transform(words.begin(), words.end(), words.begin(), system::shell_word);
    return system::join(words, " ");
}

std::string push_by_hand(const Pgbackrest& pgbackrest) {
    return as_typed(pgbackrest.command("archive-push", {{"reset-pg1-host"}, {"reset-pg1-path"}, {"no-archive-async"}}));
}

std::string get_by_hand(const Pgbackrest& pgbackrest, unsigned repository, const std::string& path) {
    return as_typed(pgbackrest.command("repo-get", {{"repo", std::to_string(repository)}}, {path}));
}

process::Command version_command(const Pgbackrest& pgbackrest) {
    process::Command command;
    command.program = pgbackrest.program;
    command.arguments = {"version"};
    ignore_environment(command);  // from 2.55 on it has --output: no json, and num is another form
    return command;
}

int version_in(const Pgbackrest& pgbackrest, const process::Captured& captured) {
    const std::string hint = "install pgBackRest 2.33 or later, or name its program with the option pgbackrest";
    process::require_resources(pgbackrest.program, captured.outcome);
    if (!process::succeeded(captured.outcome)) {
        const std::string words(system::trim(redacted(printable(captured.errors))));
        throw Failure(ExitCode::preflight_refused,
                      fmt::format("{} version {}{}{}", pgbackrest.program, process::describe(captured.outcome),
                                  words.empty() ? "" : ": ", words),
                      hint);
    }
    const auto found = parse_version(captured.output);
    if (!found) {
        throw Failure(ExitCode::preflight_refused,
                      fmt::format("{} is not pgBackRest: its version command printed \"{}\"", pgbackrest.program,
                                  system::trim(printable(captured.output.substr(0, 100)))),
                      hint);
    }
    if (*found < oldest_version) {
        throw Failure(ExitCode::preflight_refused,
                      fmt::format("{} is pgBackRest {}.{:02}, which is older than 2.33", pgbackrest.program,
                                  *found / 1000, *found % 1000),
                      hint);
    }
    return *found;
}

}  // namespace patroni_pgbackrest::pgbackrest
