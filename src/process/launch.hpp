#pragma once

#include "system/descriptor.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <variant>
#include <vector>

namespace patroni_pgbackrest::process {

/// What to run: an argument vector, never a shell.
struct Command {
    std::string program;                               ///< a path, or a name looked up in PATH
    std::vector<std::string> arguments{};              ///< without the program
    std::filesystem::path directory{};                 ///< working directory; empty: ours
    std::map<std::string, std::string> environment{};  ///< added to or replacing ours; an empty value removes one
    /// Nowhere else does it write, nor what it starts (system::WriteWall). Not set: anywhere.
    std::optional<std::vector<std::filesystem::path>> writable{};
    /// False: nothing is flushed, and no privileges are gained (system::flush_nothing), so that whoever started it has
    /// to flush.
    bool flushes = true;

    /// For messages: the words separated by spaces.
    std::string text() const;
};

struct Launched {
    pid_t pid;
    system::Descriptor output;  ///< our ends of the two pipes
    system::Descriptor errors;
};
struct NotStarted {
    std::string reason;
    int error = 0;  ///< errno

    /// For want of processes, descriptors or memory: nothing is wrong with the program.
    bool may_pass() const;
};

/// Starts a command in a process group of its own, with default signal dispositions, nothing blocked, stdin from
/// /dev/null, no other descriptor of ours, and `death_signal` from the kernel when this program dies. Whoever calls
/// this reaps it: Child does. Throws what WriteWall::around() throws.
std::variant<Launched, NotStarted> launch(const Command& command, int death_signal);

/// The path of an executable: as given if it has a slash, else searched in PATH. Empty when there is none.
std::optional<std::filesystem::path> find_executable(const std::string& name);
/// Whether that is the program that runs here, and not a script of its name.
bool is_this_program(const std::string& name);

}  // namespace patroni_pgbackrest::process
