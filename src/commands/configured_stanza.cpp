#include "commands/configured_stanza.hpp"

#include "commands/configured_commands.hpp"
#include "patroni/command_words.hpp"

#include <cstdlib>
#include <fmt/format.h>
#include <utility>
#include <vector>

namespace patroni_pgbackrest::commands {

using patroni::ConfigurationEdit;
using yaml::Path;

namespace {

constexpr auto name_this_one = "name this cluster's with --stanza";

struct NamedStanzas {
    Path path;
    std::vector<std::string> stanzas;
};

/// The blocks' own keys as well: a script has them as options.
std::vector<NamedStanzas> all_named(const ConfigurationEdit& patroni_yml, const std::string& method) {
    std::vector<NamedStanzas> all;
    for (const auto& block : {text_at(patroni_yml, {"bootstrap", "method"}), method}) {
        const Path path{"bootstrap", block, "stanza"};
        if (auto stanza = text_at(patroni_yml, path); !stanza.empty()) {
            all.push_back({path, {std::move(stanza)}});
        }
    }
    for (auto& path : paths_of_commands(patroni_yml, method)) {
        auto stanzas = stanzas_in(text_at(patroni_yml, path));
        all.push_back({std::move(path), std::move(stanzas)});
    }
    return all;
}

/// pgBackRest itself takes no stanza from its configuration.
bool needs_stanza(const std::string& command) {
    return patroni::calls_pgbackrest(command, "archive-push") || patroni::calls_pgbackrest(command, "archive-get") ||
           patroni::calls_pgbackrest(command, "restore");
}

bool is_in_our_environment() {
    const char* stanza = std::getenv("PGBACKREST_STANZA");
    return stanza != nullptr && *stanza != '\0';
}

}  // namespace

std::optional<std::string> known_stanza(const ConfigurationEdit& patroni_yml, const ConfigureArguments& arguments,
                                        const std::string& method) {
    if (auto stanza = value_given(arguments, "stanza")) {
        return stanza;
    }
    // A block that is not in force may be left over from another cluster.
    const bool is_meant = arguments.method || text_at(patroni_yml, {"bootstrap", "method"}) == method;
    if (auto stanza = in_force(patroni_yml, method, "stanza"); is_meant && !stanza.empty()) {
        return stanza;
    }
    const auto all = all_named(patroni_yml, method);
    std::optional<std::string> known;
    Path known_from;
    for (const auto& [path, stanzas] : all) {
        for (const auto& stanza : stanzas) {
            if (stanza.find_first_of("$`") != std::string::npos) {
                refuse(patroni_yml, path, "leaves its stanza to a shell", name_this_one);
            }
            if (known && stanza != *known) {
                refuse(patroni_yml, path,
                       fmt::format("names stanza {}, and {} names {}", stanza, yaml::text(known_from), *known),
                       name_this_one);
            }
            known = stanza;
            known_from = path;
        }
    }
    for (const auto& [path, stanzas] : all) {
        if (!known && needs_stanza(text_at(patroni_yml, path)) && !is_in_our_environment()) {
            refuse(patroni_yml, path, "names no stanza: it has one from Patroni's environment", name_this_one);
        }
    }
    return known;
}

}  // namespace patroni_pgbackrest::commands
