#pragma once

#include "process/launch.hpp"
#include "system/failure.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// The Python in the first line of a script; empty for any other program, and for an archive of modules.
std::optional<std::string> python_in(const std::filesystem::path& script);

/// A call of that Python, or of python3 if there is none, which imports what patronictl would, and nothing from the
/// working directory, which may be anybody's.
process::Command python_of(const std::filesystem::path& patronictl, std::string_view script,
                           const std::vector<std::string>& arguments);

/// What Patroni's own YAML reader, in the interpreter that patronictl runs with, cannot read in a file or a directory
/// of files: its words and the line, never the text. Empty if it reads all. Nothing where it cannot be asked: Patroni
/// is not installed here, or did not answer in time.
std::optional<std::vector<Problem>> problems_of_patroni_reading(const std::filesystem::path& path,
                                                                std::chrono::seconds limit = std::chrono::seconds(10));

/// The problems of a file that we could not read, where Patroni reads it: they are ours, not the file's.
std::vector<Problem> problems_of_ours(std::vector<Problem> problems);

}  // namespace patroni_pgbackrest::patroni
