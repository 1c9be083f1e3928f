#pragma once

#include "process/child.hpp"
#include "replay/ticket.hpp"

#include <filesystem>
#include <string>

namespace patroni_pgbackrest {

/// Has pgBackRest's archive-get bring a file to `destination` for the guard, and tells what it says of that: `command`
/// is all of it. Where that fetches ahead into a spool of the restore's own, what lies there as a whole is taken by
/// rename: archive-get looks there every tenth of a second at first, and less often then (waitMore in common/wait.c).
/// What fails through a spool is asked for without.
process::Captured fetch_for_guard(const Ticket& ticket, const process::Command& command, const std::string& wanted,
                                  const std::filesystem::path& destination);

/// The same past any spool, with a warning that says why.
process::Captured fetch_past_spool(const process::Command& command, const std::string& why,
                                   const std::filesystem::path& destination);

}  // namespace patroni_pgbackrest
