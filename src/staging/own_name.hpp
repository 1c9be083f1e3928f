#pragma once

#include "patroni/members.hpp"
#include "system/failure.hpp"

#include <optional>
#include <string>

namespace patroni_pgbackrest {

/// Whether a member of which the DCS tells is this node or another cannot be told without its name. Patroni itself does
/// not start without one (AbstractDCS in dcs/__init__.py, 2.0 to 4.1). Empty when it has one, or no member is there.
std::optional<Failure> refuse_without_name(const std::string& own_name, const patroni::ScopeState& dcs);

}  // namespace patroni_pgbackrest
