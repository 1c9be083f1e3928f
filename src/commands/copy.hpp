#pragma once

#include "plan/plan.hpp"
#include "request/request.hpp"
#include "show/display.hpp"
#include "staging/staging.hpp"

namespace patroni_pgbackrest::commands {

/// Brings the staging directory to the backup: lets `pgbackrest restore` copy what is not there yet, with the places
/// outside written down before it begins, and removes what earlier runs and the source left of ours. Throws Failure as
/// pgbackrest::restore().
void copy(const Request& request, const Plan& plan, StagingDirectory& staging, RunDisplay& display);

}  // namespace patroni_pgbackrest::commands
