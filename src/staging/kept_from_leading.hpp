#pragma once

#include "staging/resume_decision.hpp"
#include "system/failure.hpp"

#include <optional>

namespace patroni_pgbackrest {

/// Why Patroni would not start what `resume` hands over, or not let it lead, once the DCS was asked: a pause, or what
/// an earlier leader left. Nothing is lost by either, and both end with what the hint says: no reason to refuse.
std::optional<Problem> what_keeps_it_from_leading(const ResumeFacts& facts);

}  // namespace patroni_pgbackrest
