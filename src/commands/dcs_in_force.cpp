#include "commands/dcs_in_force.hpp"

#include "request/request.hpp"

namespace patroni_pgbackrest::commands {

std::string scope_of(const BootstrapArguments& arguments) {
    return names_of_cluster(arguments.options, arguments.patroni).scope;
}

std::optional<patroni::ScopeState> ask_scope(const BootstrapArguments& arguments, patroni::Silence silence) {
    const auto scope = scope_of(arguments);
    if (!arguments.patroni || scope.empty()) {
        return std::nullopt;
    }
    return patroni::read_scope(arguments.source, scope, silence);
}

BootstrapArguments with_dcs(BootstrapArguments arguments, const patroni::ScopeState& state) {
    if (!arguments.patroni) {
        return arguments;
    }
    const bool counted = !arguments.source.dcs.json.empty();
    arguments.source = patroni::with_dcs(arguments.source, scope_of(arguments), state);
    if (counted || !arguments.source.dcs.json.empty()) {
        arguments.patroni = patroni::read_configuration(arguments.source);
    }
    return arguments;
}

patroni::ScopeState at_bootstrap(patroni::ScopeState state) {
    if (state.initialize == patroni::InitializeKey::initialized) {
        state.configuration.clear();
    }
    return state;
}

}  // namespace patroni_pgbackrest::commands
