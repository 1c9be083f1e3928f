#include "pgbackrest/option_in_force.hpp"

#include "pgbackrest/configuration_files.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cctype>

namespace patroni_pgbackrest::pgbackrest {

namespace {

std::string variable_of(const std::string& name) {
    std::string variable = "PGBACKREST_";
    for (const char letter : name) {
        variable += letter == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    }
    return variable;
}

/// Empty if none that is named in quotes stands anywhere.
std::string place_of_option_in(const std::string& message, const Pgbackrest& pgbackrest, const std::string& command) {
    try {
        const auto words = system::split(message, '\'');
        for (std::size_t i = 1; i < words.size(); i += 2) {
            if (const auto option = option_in_force(pgbackrest, command, words[i])) {
                return option->place;
            }
        }
    } catch (const Failure&) {
        // The files changed meanwhile.
    }
    return {};
}

}  // namespace

std::optional<ConfiguredOption> option_in_force(const Pgbackrest& pgbackrest, const std::string& command,
                                                const std::string& name) {
    const auto variable = variable_of(name);
    if (const auto value = pgbackrest.variable(variable)) {
        return ConfiguredOption{name, {*value}, variable};
    }
    return option_in_files(pgbackrest, command, name);
}

std::optional<ConfiguredOption> option_in_files(const Pgbackrest& pgbackrest, const std::string& command,
                                                const std::string& name) {
    const auto lines = read_configuration(pgbackrest);
    for (const auto& section :
         {pgbackrest.stanza + ":" + command, pgbackrest.stanza, "global:" + command, std::string("global")}) {
        const auto found = std::find_if(lines.begin(), lines.end(),
                                        [&](const auto& line) { return line.section == section && line.key == name; });
        if (found != lines.end()) {
            return ConfiguredOption{name, {found->value}, found->place};
        }
    }
    return std::nullopt;
}

Failure with_place_of_option(const Pgbackrest& pgbackrest, const std::string& command, const Failure& failure) {
    auto problem = failure.problems().front();
    problem.place = failure.code() == ExitCode::usage ? place_of_option_in(problem.message, pgbackrest, command) : "";
    if (problem.place.empty()) {
        return failure;
    }
    problem.hint = "correct it there, or remove it; pgbackrest help " + command + " says what an option may be";
    Failure placed(failure.code(), {problem});
    return failure.is_lasting() ? placed.lasting() : placed;
}

}  // namespace patroni_pgbackrest::pgbackrest
