#pragma once

#include "show/status.hpp"
#include "system/exit_code.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace patroni_pgbackrest::commands {

/// What `status` is called with.
struct StatusArguments {
    std::optional<std::string> data_directory{};
    std::optional<std::string> patroni_config{};  ///< names the data directory as well
    std::optional<std::string> metrics_file{};    ///< to be written, once the restore has ended
    bool watch = false;
    bool json = false;
};

/// `status`: prints what a restore into this data directory does now, or how the last one ended; with `watch` again and
/// again until it ends. Reads files only. Returns exit_code_of() the restore; throws Failure where they cannot be read.
ExitCode status(const StatusArguments& arguments);

/// What is known of the restore into this directory now.
RunStatus status_of(const std::filesystem::path& data_directory);

}  // namespace patroni_pgbackrest::commands
