#pragma once

#include "replay/guard.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

enum class PlaceState {
    absent,
    free,     ///< no tablespace is in it; a mount point's lost+found may be
    filled,   ///< with a tablespace
    foreign,  ///< another user's: PostgreSQL sets the permissions, and cannot
};
PlaceState state_of_place(const std::filesystem::path& place, int major);

/// What the guard answers before PostgreSQL gets a segment whose WAL makes a tablespace there; empty when it may have
/// it. PostgreSQL takes over whatever lies in the place: blocks that were written behind the replay would stay as they
/// are, and so would a living cluster's lose what it has (create_tablespace_directories in tablespace.c, 13 to 18).
std::optional<GuardAnswer> judge_place(const std::filesystem::path& place, PlaceState state, bool is_ours);

/// Looks into a segment that was delivered to `delivered` for tablespaces that it makes before the replay ends, and
/// makes room for them: what is absent is made, what is free is noted as ours (made_places_file), for anything else
/// there is an answer.
std::optional<GuardAnswer> prepare_places(const Ticket& ticket, const std::string& wanted,
                                          const std::filesystem::path& delivered);

}  // namespace patroni_pgbackrest
