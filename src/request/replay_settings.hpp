#pragma once

#include "postgres/configuration.hpp"
#include "request/request.hpp"
#include "request/settings.hpp"

#include <string_view>
#include <vector>

namespace patroni_pgbackrest {

/// What replay-setting says: parameters of the private server by name, in lower case; the last value of a name counts.
/// Adds a problem for what is no NAME=VALUE, for what this program needs as it sets it, and for any of them where
/// Patroni's server replays. Whether PostgreSQL has such a parameter is for its own program to say.
std::vector<postgres::Setting> read_replay_settings(Settings& settings, Recovery recovery);

/// Why a parameter, in lower case, is set by this program alone, as a hint; empty when anybody may set it.
std::string_view why_not_for_a_replay(std::string_view name);

}  // namespace patroni_pgbackrest
