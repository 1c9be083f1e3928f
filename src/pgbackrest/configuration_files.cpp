#include "pgbackrest/configuration_files.hpp"

#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <system_error>
#include <unistd.h>

namespace patroni_pgbackrest::pgbackrest {

namespace {

using std::filesystem::path;

/// The command line overrides the environment, as in pgBackRest.
std::optional<std::string> setting(const Pgbackrest& pgbackrest, const std::string& name, const char* variable) {
    for (const Option& option : pgbackrest.common) {
        if (option.name == name) {
            return option.value;
        }
    }
    return pgbackrest.variable(variable);
}

Failure not_read(const std::string& place, const std::string& what) {
    return {ExitCode::usage, {{what, "correct it: pgBackRest reads no further, whatever it is called for", place}}};
}

void add_lines(const path& file, std::string_view text, std::vector<ConfigurationLine>& lines) {
    std::string section;
    unsigned number = 0;
    for (const std::string& line : system::lines(text)) {
        const auto words = system::trim(line);
        const auto place = fmt::format("{}:{}", file.string(), ++number);
        if (words.empty() || words.front() == '#') {
            continue;
        }
        if (words.front() == '[') {
            if (words.back() != ']' || words.size() < 3) {
                throw not_read(place, fmt::format("'{}' is no section of pgBackRest's configuration", words));
            }
            section = words.substr(1, words.size() - 2);
            lines.push_back({section, "", "", place});
            continue;
        }
        const auto sign = words.find('=');
        const std::string key(system::trim(words.substr(0, sign)));
        if (section.empty() || sign == std::string_view::npos || key.empty()) {
            // What stands there may be a secret.
            throw not_read(place, section.empty() ? "an option of pgBackRest's configuration stands before any section"
                                                  : "a line of pgBackRest's configuration is not NAME=VALUE");
        }
        lines.push_back({section, key, std::string(system::trim(words.substr(sign + 1))), place});
    }
}

void add_main_file(const std::optional<std::string>& named, const std::optional<std::string>& config_path,
                   std::vector<ConfigurationLine>& lines) {
    if (named) {
        add_lines(*named, system::read_file(*named), lines);
        return;
    }
    std::vector<path> usual{path(config_path.value_or("/etc/pgbackrest")) / "pgbackrest.conf"};
    if (!config_path || *config_path == "/etc/pgbackrest") {
        usual.emplace_back("/etc/pgbackrest.conf");  // pgBackRest looks there beside its own default alone
    }
    for (const auto& file : usual) {
        if (const auto text = system::read_file_if_present(file)) {
            add_lines(file, *text, lines);
            return;
        }
    }
}

void add_included(const path& directory, bool required, std::vector<ConfigurationLine>& lines) {
    std::error_code error;
    if (!std::filesystem::is_directory(directory, error)) {
        if (required) {
            throw Failure(ExitCode::usage, directory.string() + " is not a directory",
                          "correct pgBackRest's config-include-path");
        }
        return;
    }
    for (const std::string& name : system::entries(directory)) {
        const auto file = directory / name;
        if (name.size() > 5 && file.extension() == ".conf" && std::filesystem::is_regular_file(file, error)) {
            add_lines(file, system::read_file(file), lines);
        }
    }
}

/// `repo2-path` → 2, `repo-path` (its name before 2.0) → 1; empty for another option.
std::optional<unsigned> repository_of(std::string_view option) {
    constexpr std::string_view group = "repo";
    if (!option.starts_with(group)) {
        return std::nullopt;
    }
    option.remove_prefix(group.size());
    const auto digits = std::min(option.find_first_not_of("0123456789"), option.size());
    if (digits == option.size() || option[digits] != '-') {
        return std::nullopt;
    }
    const auto number = digits == 0 ? 1 : system::number(option.substr(0, digits));
    return number ? std::optional(static_cast<unsigned>(*number)) : std::nullopt;
}

}  // namespace

std::vector<ConfigurationLine> read_configuration(const Pgbackrest& pgbackrest) {
    std::optional<std::string> named;
    if (pgbackrest.configuration) {
        named = pgbackrest.configuration->string();
    } else {
        named = setting(pgbackrest, "config", "PGBACKREST_CONFIG");
    }
    const auto config_path = setting(pgbackrest, "config-path", "PGBACKREST_CONFIG_PATH");
    const auto include_path = setting(pgbackrest, "config-include-path", "PGBACKREST_CONFIG_INCLUDE_PATH");

    std::vector<ConfigurationLine> lines;
    add_main_file(named, config_path, lines);
    // A named file is the only one, unless one of the paths is named as well.
    if (!named || config_path || include_path) {
        add_included(include_path ? path(*include_path) : path(config_path.value_or("/etc/pgbackrest")) / "conf.d",
                     include_path.has_value(), lines);
    }
    return lines;
}

std::vector<ConfigurationLine> environment_options() {
    constexpr std::string_view prefix = "PGBACKREST_";
    std::vector<ConfigurationLine> options;
    for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const auto sign = text.find('=');
        if (!text.starts_with(prefix) || sign == std::string_view::npos || sign + 1 == text.size()) {
            continue;
        }
        const auto variable = text.substr(0, sign);
        auto name = system::lower(variable.substr(prefix.size()));
        std::replace(name.begin(), name.end(), '_', '-');
        options.push_back({"", name, std::string(text.substr(sign + 1)), std::string(variable)});
    }
    return options;
}

std::vector<std::string> configured_stanzas(const Pgbackrest& pgbackrest) {
    if (const auto stanza = setting(pgbackrest, "stanza", "PGBACKREST_STANZA")) {
        return {*stanza};
    }
    std::vector<std::string> stanzas;
    for (const auto& line : read_configuration(pgbackrest)) {
        const auto stanza = line.section.substr(0, line.section.find(':'));
        if (line.key.empty() && !stanza.empty() && stanza != "global" &&
            std::find(stanzas.begin(), stanzas.end(), stanza) == stanzas.end()) {
            stanzas.push_back(stanza);
        }
    }
    return stanzas;
}

std::set<unsigned> configured_repositories(const Pgbackrest& pgbackrest) {
    std::set<unsigned> numbers;
    const auto add = [&](std::string_view option) {
        if (const auto number = repository_of(option)) {
            numbers.insert(*number);
        }
    };
    for (const auto& option : pgbackrest.common) {
        add(option.name);
    }
    for (const auto& option : environment_options()) {
        add(option.key);
    }
    const auto& stanza = pgbackrest.stanza;
    for (const auto& line : read_configuration(pgbackrest)) {
        if (line.section == "global" || line.section == "global:info" || line.section == stanza ||
            line.section == stanza + ":info") {
            add(line.key);
        }
    }
    return numbers;
}

}  // namespace patroni_pgbackrest::pgbackrest
