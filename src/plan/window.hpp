#pragma once

#include "plan/plan.hpp"

#include <string>

namespace patroni_pgbackrest {

/// From when to when the repository can bring the cluster back, in words: the end of the first backup, and the last
/// archived segment of the plan's timeline with the time of its upload.
std::string window_text(const Plan& plan, const RepositoryState& repository);

}  // namespace patroni_pgbackrest
