#include "commands/known_identifier.hpp"

#include "postgres/control_data.hpp"

#include <filesystem>

namespace patroni_pgbackrest::commands {

IdentifierQuery::IdentifierQuery(const patroni::ConfigurationSource& source, const yaml::Node& tree) {
    const auto* scope = tree.find("scope");
    if (scope != nullptr && scope->value->is_scalar() && !yaml::blank(*scope->value)) {
        scope_.emplace(source, tree, scope->value->text, patroni::Silence::is_away);
    }
}

std::optional<KnownIdentifier> IdentifierQuery::answer(const patroni::Configuration& configuration) {
    if (scope_) {
        const auto state = scope_->answer();
        if (!state.system_identifier.empty()) {
            return KnownIdentifier{state.system_identifier, "the DCS"};
        }
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
