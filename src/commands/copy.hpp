#pragma once

#include "plan/plan.hpp"
#include "request/request.hpp"
#include "show/display.hpp"
#include "staging/staging.hpp"

#include <functional>

namespace patroni_pgbackrest::commands {

/// Brings the staging directory to the backup: lets `pgbackrest restore` copy what is not there yet, with the places
/// outside written down before it begins, and removes what earlier runs and the source left of ours. Throws Failure as
/// pgbackrest::restore(). `watch` is called with each file that pgBackRest tells of: what it throws ends the copy; may
/// be empty.
void copy(const Request& request, const Plan& plan, StagingDirectory& staging, RunDisplay& display,
          const std::function<void()>& watch = {});

}  // namespace patroni_pgbackrest::commands
