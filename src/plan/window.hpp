#pragma once

#include "plan/plan.hpp"

#include <string>

namespace patroni_pgbackrest {

/// From when to when the repository can bring the cluster back, in words: the end of the first backup, and the last
/// commit on the plan's timeline, looked for in a bounded number of segments.
std::string window_text(const Plan& plan, const RepositoryState& repository);

}  // namespace patroni_pgbackrest
