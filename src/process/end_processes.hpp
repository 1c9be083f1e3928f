#pragma once

#include "process/process_tree.hpp"

#include <chrono>

namespace patroni_pgbackrest::process {

/// Returns when no member is left: all of them get TERM, at once if `first`, which the owner has sent, is TERM, else
/// when the root has ended; and SIGKILL after `grace`. Runs the event loop meanwhile. Gives up after 2 s more: a
/// process in uninterruptible sleep does not die before its disk answers.
void end_processes(ProcessTree& tree, int first, std::chrono::milliseconds grace);

}  // namespace patroni_pgbackrest::process
