#pragma once

#include "postgres/configuration.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace patroni_pgbackrest::postgres {

/// What PostgreSQL says against a setting of its command line; nothing when it takes the setting. Asked is the
/// `postgres` of these binaries, which takes its command line, prints one parameter and ends before it looks for a
/// cluster (`-C`, PostmasterMain, 13 to 18); some 50 ms. What depends on other parameters, or on the cluster, it says
/// at its start only. A name with a dot in it is some extension's, and always taken.
std::optional<std::string> objection_to(const std::filesystem::path& bin_directory, const Setting& setting);

/// The words of the first FATAL in what PostgreSQL printed without a log_line_prefix, its HINT in parentheses; else all
/// of it.
std::string objection_in(std::string_view printed);

}  // namespace patroni_pgbackrest::postgres
