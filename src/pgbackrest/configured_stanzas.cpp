#include "pgbackrest/command_line.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cstdlib>
#include <system_error>

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
    const auto* value = std::getenv(variable);
    return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

void add_sections(std::string_view configuration, std::vector<std::string>& stanzas) {
    for (const std::string& line : system::lines(configuration)) {
        const auto text = system::trim(line);
        if (text.size() < 3 || text.front() != '[' || text.back() != ']') {
            continue;
        }
        const auto section = text.substr(1, text.size() - 2);
        const std::string stanza(section.substr(0, section.find(':')));
        if (!stanza.empty() && stanza != "global" &&
            std::find(stanzas.begin(), stanzas.end(), stanza) == stanzas.end()) {
            stanzas.push_back(stanza);
        }
    }
}

std::string main_file(const std::optional<std::string>& named, const std::optional<std::string>& config_path) {
    if (named) {
        return system::read_file(*named);
    }
    if (const auto text =
            system::read_file_if_present(path(config_path.value_or("/etc/pgbackrest")) / "pgbackrest.conf")) {
        return *text;
    }
    // Debian's place. pgBackRest looks there only if config-path is not set (cfgFileLoad in parse.c).
    return config_path ? "" : system::read_file_if_present("/etc/pgbackrest.conf").value_or("");
}

void add_included(const path& directory, bool required, std::vector<std::string>& stanzas) {
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
            add_sections(system::read_file(file), stanzas);
        }
    }
}

}  // namespace

std::vector<std::string> configured_stanzas(const Pgbackrest& pgbackrest) {
    if (const auto stanza = setting(pgbackrest, "stanza", "PGBACKREST_STANZA")) {
        return {*stanza};
    }

    std::optional<std::string> named;
    if (pgbackrest.configuration) {
        named = pgbackrest.configuration->string();
    } else {
        named = setting(pgbackrest, "config", "PGBACKREST_CONFIG");
    }
    const auto config_path = setting(pgbackrest, "config-path", "PGBACKREST_CONFIG_PATH");
    const auto include_path = setting(pgbackrest, "config-include-path", "PGBACKREST_CONFIG_INCLUDE_PATH");

    std::vector<std::string> stanzas;
    add_sections(main_file(named, config_path), stanzas);
    // A named file is the only one, unless one of the paths is named as well.
    if (!named || config_path || include_path) {
        add_included(include_path ? path(*include_path) : path(config_path.value_or("/etc/pgbackrest")) / "conf.d",
                     include_path.has_value(), stanzas);
    }
    return stanzas;
}

}  // namespace patroni_pgbackrest::pgbackrest
