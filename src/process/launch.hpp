#pragma once

#include "process/subprocess.hpp"
#include "system/descriptor.hpp"

#include <sys/types.h>
#include <variant>

namespace patroni_pgbackrest::process {

struct Launched {
    pid_t pid;
    system::Descriptor output;  ///< our ends of the two pipes
    system::Descriptor errors;
};

/// Starts a command in a process group of its own, with default signal dispositions, nothing blocked, stdin from
/// /dev/null, and `death_signal` from the kernel when this program dies.
std::variant<Launched, NotStarted> launch(const Command& command, int death_signal);

}  // namespace patroni_pgbackrest::process
