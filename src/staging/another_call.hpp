#pragma once

#include "staging/resume_decision.hpp"
#include "system/failure.hpp"

#include <optional>

namespace patroni_pgbackrest {

/// Why `resume` must not take the place of the call that was interrupted, once it has a request: a script asked for
/// more than the block says, or pgBackRest would be told of another repository than Patroni's call did (a variable in a
/// script, or one that Patroni's unit sets and a person's shell does not). What was changed in the block since, or
/// in pgBackRest's files, is meant so. Empty when it may.
std::optional<Problem> why_another_call(const ResumeFacts& facts);

}  // namespace patroni_pgbackrest
