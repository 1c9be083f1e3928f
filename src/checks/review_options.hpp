#pragma once

#include "request/request.hpp"
#include "system/finding.hpp"

#include <vector>

namespace patroni_pgbackrest {

/// What pgBackRest's configuration or the environment says of a restore, and what is not used here.
std::vector<Finding> review_options(const Request& request);

}  // namespace patroni_pgbackrest
