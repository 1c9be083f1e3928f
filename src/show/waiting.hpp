#pragma once

#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// What a restore waits for when nothing moves, by the command lines of the processes below it: `pgbackrest archive-get
/// of 00000001000000000000005A`. Empty when none of them tells.
std::string waits_for(const std::vector<std::vector<std::string>>& command_lines);

/// The same for this process.
std::string what_this_run_waits_for();

}  // namespace patroni_pgbackrest
