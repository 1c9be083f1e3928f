#pragma once

#include "plan/plan.hpp"
#include "staging/staging.hpp"

#include <filesystem>

namespace patroni_pgbackrest {

/// The last look at the directory before it is handed over: pg_control, version, system identifier, permissions, signal
/// files, nothing of ours left but patroni mode's ticket. Throws Failure(verification_failed) with everything found.
void verify_directory(const Request& request, const Plan& plan, const StagingDirectory& staging,
                      const std::filesystem::path& bin_directory);

/// Takes the source's patroni.dynamic.json out of the data directory, where a restarted Patroni would load it (the
/// source's archive_command included); a copy stays in our workspace
/// unless that lies in the data directory. Returns its path, empty when there is none.
std::filesystem::path set_aside_dynamic_configuration(const StagingDirectory& staging);

}  // namespace patroni_pgbackrest
