#pragma once

#include "request/settings.hpp"
#include "request/target.hpp"

#include <optional>
#include <string_view>

namespace patroni_pgbackrest {

/// type, target and target-exclusive; what is wrong with them becomes a problem of the settings.
RecoveryTarget read_target(Settings& settings);

/// target-timeline; empty if it is not set, or is a problem.
std::optional<TimelineWish> read_timeline_wish(Settings& settings);

/// A value with one would be cut off, or read as several lines: in postgresql.conf, in a command's output, in a log. A
/// tab is none.
bool has_control_character(std::string_view value);

}  // namespace patroni_pgbackrest
