#pragma once

#include "system/exit_code.hpp"

#include <string>
#include <vector>

namespace patroni_pgbackrest::commands {

/// What `check` is called with.
struct CheckArguments {
    std::vector<std::string> words;  ///< the command line, from `check` on: the options of a restore
    bool json = false;
    bool search = false;               ///< all WAL is looked through for a transaction or a restore point
    std::string explain;               ///< the id of a check; empty: not asked for
    std::vector<std::string> members;  ///< other members' patroni.yml
};

/// `check`: finds everything that would stop a restore or make it worthless, at once; changes nothing.
/// Prints it to stdout. Returns done, or preflight_refused when a finding is an error.
ExitCode check(const CheckArguments& arguments);

}  // namespace patroni_pgbackrest::commands
