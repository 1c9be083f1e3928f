#pragma once

#include "commands/bootstrap.hpp"
#include "plan/plan.hpp"
#include "staging/layout.hpp"
#include "system/finding.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest::commands {

/// Looks for what this node lacks for the restore, once the set is known.
void review_node(const Request& request, const Plan& plan, const Layout& layout, std::vector<Finding>& findings);

/// postgresql.bin_dir of patroni.yml.
std::optional<std::filesystem::path> configured_binaries(const Request& request);

/// Throws Failure(preflight_refused) as root, before anything is read or written.
void refuse_root(const std::string& command);

/// In patroni mode PostgreSQL replays, and has Patroni's environment. Throws Failure(preflight_refused) where only
/// Patroni's call has a secret of the repository, before the command's program or in a script. Not where the block's
/// restore_command calls the guard through a script, which may set it as well.
void refuse_secrets_of_the_call(const BootstrapArguments& arguments, const Request& request);

/// What patroni.yml alone shows, as the first step of `bootstrap`: warnings go to the log. Throws
/// Failure(preflight_refused) with every error.
void refuse_configuration(const BootstrapArguments& arguments, const Request& request);

/// The same for where the restore writes to, before anything is written.
void refuse_unfit_places(const Layout& layout);

/// The same for what PostgreSQL could not open when Patroni starts it. When Patroni does not call, all are warnings.
void refuse_unstartable(const BootstrapArguments& arguments, const Request& request,
                        const std::filesystem::path& binaries);

/// The same for what replay-setting gives the private server, which is of these binaries.
void refuse_replay_settings(const Request& request, const std::filesystem::path& binaries);

/// The same for the room on the disks and for what Patroni needs besides the backup, once the set is known.
void refuse_unfit_node(const Request& request, const Plan& plan, const Layout& layout);

/// What is wrong with configuration that does not come with the backup. The manifest of the backup is read only where
/// something is, and a file that the backup brings may take its place.
std::vector<Finding> review_server_file_outside(const Request& request, const Plan& plan,
                                                const std::filesystem::path& binaries);
/// The same for that, which would start PostgreSQL elsewhere or not at all.
void refuse_server_file(const Request& request, const Plan& plan, const std::filesystem::path& binaries);

/// The same for what the copy has brought, once what sends its server to another directory is taken out. Throws Failure
/// with `code`.
void refuse_unfit_copy(const Request& request, const std::filesystem::path& binaries, const std::filesystem::path& copy,
                       ExitCode code);

}  // namespace patroni_pgbackrest::commands
