#include "commands/dcs_in_force.hpp"

#include "request/settings.hpp"

namespace patroni_pgbackrest::commands {

std::string scope_of(const BootstrapArguments& arguments) {
    if (const auto scope = Settings(arguments.options, arguments.patroni).value("scope")) {
        return scope->text;
    }
    return arguments.patroni && arguments.patroni->scope ? arguments.patroni->scope->text : std::string();
}

patroni::ScopeState ask_for_configuration(const BootstrapArguments& arguments) {
    const auto scope = scope_of(arguments);
    return !arguments.patroni || scope.empty() ? patroni::ScopeState() : patroni::read_scope(arguments.source, scope);
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
