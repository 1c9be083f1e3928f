#include "commands/spools.hpp"

#include "patroni/command_words.hpp"
#include "patroni/method_block.hpp"
#include "pgbackrest/configured_spool.hpp"
#include "plan/living_source.hpp"
#include "postgres/configuration.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/process_facts.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace patroni_pgbackrest::commands {

namespace {

/// Empty when it cannot be looked at either.
std::optional<system::ProcessFacts> calling_patroni(const BootstrapArguments& arguments) {
    try {
        return arguments.calling_patroni ? system::facts_of(*arguments.calling_patroni) : std::nullopt;
    } catch (const Failure&) {
        return std::nullopt;
    }
}

/// Those that say where the spool is, as PostgreSQL may have them: it has Patroni's environment, and this call may have
/// others from the block's command, or from a script.
std::map<std::string, std::string> variables_of_postgresql(const BootstrapArguments& arguments,
                                                           const Request& request) {
    std::map<std::string, std::string> variables;
    const auto caller = calling_patroni(arguments);
    const auto call = request.patroni ? patroni::call_of_bootstrap(*request.patroni) : std::nullopt;
    for (const std::string name :
         {"PGBACKREST_CONFIG", "PGBACKREST_CONFIG_PATH", "PGBACKREST_CONFIG_INCLUDE_PATH", "PGBACKREST_SPOOL_PATH"}) {
        if (caller) {
            const auto found = caller->environment.find(name);
            variables[name] = found == caller->environment.end() ? "" : found->second;
        } else if (request.patroni && (!call || call->sets(name))) {
            variables[name] = "";
        }
    }
    return variables;
}

/// With what is assigned before the program (`env PGBACKREST_CONFIG=/x`) as the option that it stands for.
std::vector<std::string> words_with_options(const std::string& command) {
    constexpr std::string_view prefix = "PGBACKREST_";
    auto words = patroni::command_words(command);
    for (auto& word : words) {
        const auto sign = word.find('=');
        if (word.starts_with(prefix) && sign != std::string::npos) {
            auto name = system::lower(word.substr(prefix.size(), sign - prefix.size()));
            std::replace(name.begin(), name.end(), '_', '-');
            word = "--" + name + word.substr(sign);
        }
    }
    return words;
}

}  // namespace

void empty_spools(const BootstrapArguments& arguments, const Request& request, const std::filesystem::path& restored) {
    const auto altered = system::read_file_if_present(restored / "postgresql.auto.conf").value_or("");
    const auto told = archive_command_in_force(request, postgres::settings_of(altered));
    const auto words = words_with_options(told.value_or(""));
    pgbackrest::ArchiveCommand command{patroni::values_in(words, "stanza"), patroni::values_in(words, "spool-path")};
    for (const char* name : {"config", "config-path", "config-include-path"}) {
        if (auto value = patroni::option_in(words, name)) {
            command.configuration.push_back({name, std::move(*value)});
        }
    }
    command.variables = variables_of_postgresql(arguments, request);
    command.is_run = !told || !system::trim(*told).empty();
    pgbackrest::empty_configured_spools(request.pgbackrest, command);
}

}  // namespace patroni_pgbackrest::commands
