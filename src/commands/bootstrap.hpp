#pragma once

#include "patroni/configuration.hpp"
#include "recovery/request.hpp"

#include <optional>
#include <vector>

namespace patroni_pgbackrest::commands {

/// What the command line and the calling Patroni say, before anything is judged.
struct BootstrapArguments {
    std::vector<recovery::GivenOption> options;
    patroni::ConfigurationSource source;  ///< where patroni.yml was read from
    std::optional<patroni::Configuration> patroni;
    std::optional<int> calling_patroni;  ///< its process number
    bool leader_must_be_known = false;   ///< no hand-over while the DCS cannot be asked who leads
};

/// `bootstrap`: a lost cluster comes back. Returns normally when PGDATA holds what was asked for; throws Failure else,
/// with PGDATA absent (or as empty as it was) and the staging directory ready for the next run.
void bootstrap(const BootstrapArguments& arguments);

}  // namespace patroni_pgbackrest::commands
