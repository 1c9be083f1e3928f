#pragma once

#include "pgbackrest/retry.hpp"
#include "process/child.hpp"

#include <string>

namespace patroni_pgbackrest::pgbackrest {

/// The result of a command that succeeded: `result`, or that of another run for an error that may pass. `what` is for
/// the message: `listing of archive/demo/15-1`. Throws as failure_of().
process::Captured succeeded_or_again(const std::string& what, process::Captured result, const process::Command& command,
                                     const RetryPolicy& retry);

}  // namespace patroni_pgbackrest::pgbackrest
