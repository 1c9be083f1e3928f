#pragma once

#include "postgres/configuration.hpp"

#include <string_view>
#include <vector>

namespace patroni_pgbackrest::postgres {

/// The keywords of a connection string and their values, in libpq's two forms: `host=… port=…` with its quotes and
/// backslashes (Patroni writes this one, 2.0 to 4.1) and `postgresql://user@host:port/name?keyword=value`. Throws
/// Failure(usage) that says what is wrong with it. The text itself is never shown, because it may hold a password.
std::vector<Setting> parse_connection_string(std::string_view text);

}  // namespace patroni_pgbackrest::postgres
