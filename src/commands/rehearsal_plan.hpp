#pragma once

#include "commands/drill.hpp"
#include "commands/rehearsal_settings.hpp"
#include "plan/plan.hpp"

namespace patroni_pgbackrest::commands {

/// Tells of the window and of a restore to the latest point, and plans what is rehearsed. `request` becomes that: a
/// random moment, or what `nearest` makes of a target.
Plan plan_rehearsal(const RehearsalSettings& settings, Request& request, Drill& drill);

}  // namespace patroni_pgbackrest::commands
