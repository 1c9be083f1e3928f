#pragma once

#include "commands/bootstrap.hpp"
#include "plan/plan.hpp"
#include "staging/layout.hpp"

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

/// Throws Failure(preflight_refused) as root, before anything is read or written.
void refuse_root(const std::string& command);

/// What patroni.yml alone shows, as the first step of `bootstrap`: warnings go to the log. Throws
/// Failure(preflight_refused) with every error.
void refuse_configuration(const BootstrapArguments& arguments, const Request& request);

/// The same for where the restore writes to, before anything is written.
void refuse_unfit_places(const Layout& layout);

/// The same for the room on the disks and for what Patroni needs besides the backup, once the set is known.
void refuse_unfit_node(const Request& request, const Plan& plan, const Layout& layout);

/// The same for what the copy has brought. Throws Failure(verification_failed).
void refuse_incomplete_copy(const Request& request, const std::filesystem::path& data_directory);

}  // namespace patroni_pgbackrest::commands
