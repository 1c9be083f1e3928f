#pragma once

#include "postgres/configuration.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::postgres {

/// What PostgreSQL says against a setting of its command line; nothing when it takes the setting. Asked is the
/// `postgres` of these binaries, which takes its command line, prints one parameter and ends before it looks for a
/// cluster (`-C`, PostmasterMain, 13 to 18); some 50 ms. What depends on other parameters, or on the cluster, it says
/// at its start only. A name with a dot in it is some extension's, and always taken.
std::optional<std::string> objection_to(const std::filesystem::path& bin_directory, const Setting& setting);

/// What PostgreSQL makes of a configuration file and of all that it includes.
struct FileInForce {
    /// Set there; it comes before that of the command line (SelectConfigFiles in guc.c, 13 to 18).
    std::optional<std::filesystem::path> data_directory;
    std::vector<std::string> objections;  ///< why it would not start with this file; then the former is not known
};

/// The same program says it. Everything that stands there is looked at as at a start; libraries are not loaded.
FileInForce read_in_force(const std::filesystem::path& bin_directory, const std::filesystem::path& file);

/// Every LOG line in what PostgreSQL printed without a log_line_prefix, which are its objections to single settings;
/// else as objection_in. Not the words near a syntax error, which may be a password.
std::vector<std::string> objections_in(std::string_view printed);

/// The words of the first FATAL in what PostgreSQL printed without a log_line_prefix, its HINT in parentheses; else all
/// of it.
std::string objection_in(std::string_view printed);

}  // namespace patroni_pgbackrest::postgres
