#pragma once

#include "patroni/configuration.hpp"
#include "request/request.hpp"

#include <optional>
#include <vector>

namespace patroni_pgbackrest::commands {

/// What the command line and the calling Patroni say, before anything is judged.
struct BootstrapArguments {
    std::vector<GivenOption> options;
    patroni::ConfigurationSource source;  ///< where patroni.yml was read from
    std::optional<patroni::Configuration> patroni;
    std::optional<int> calling_patroni;  ///< its process number
    /// For `resume`: Patroni will go on with the data directory without its post_bootstrap, so the probes are asked
    /// here, and there is no hand-over while the DCS cannot be asked who leads.
    bool patroni_goes_on = false;

    /// Called by Patroni, or in its place: not by a person.
    bool is_for_patroni() const { return calling_patroni || patroni_goes_on; }
};

/// `bootstrap`: a lost cluster comes back. Returns normally when PGDATA holds what was asked for; throws Failure else,
/// with PGDATA absent (or as empty as it was) and the staging directory ready for the next run.
void bootstrap(const BootstrapArguments& given);

}  // namespace patroni_pgbackrest::commands
