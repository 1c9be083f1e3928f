#include "commands/known_identifier.hpp"

#include "postgres/control_data.hpp"

#include <filesystem>

namespace patroni_pgbackrest::commands {

std::optional<KnownIdentifier> known_identifier(const patroni::ScopeState& state,
                                                const patroni::Configuration& configuration) {
    if (!state.system_identifier.empty()) {
        return KnownIdentifier{state.system_identifier, "the DCS"};
    }
    if (configuration.data_directory) {
        const std::filesystem::path directory = configuration.data_directory->text;
        if (const auto control = postgres::read_control_file(directory)) {
            return KnownIdentifier{control->system_identifier, (directory / "global" / "pg_control").string()};
        }
    }
    return std::nullopt;
}

}  // namespace patroni_pgbackrest::commands
