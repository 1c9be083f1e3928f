#pragma once

#include "commands/rehearsal_settings.hpp"

namespace patroni_pgbackrest::commands {

/// `rehearse`: restores into a scratch directory with the code of a restore in standalone mode, looks at what came up,
/// tells how long it took and what a restore would bring back now, and removes all of it. Neither Patroni, the DCS, a
/// data directory nor the stanza is touched. Prints the result to stdout, and adds it to the history, also when it is
/// refused, unless another one is under way. Throws Failure with the exit code of what went wrong.
void rehearse(const RehearseArguments& arguments);

}  // namespace patroni_pgbackrest::commands
