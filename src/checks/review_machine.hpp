#pragma once

#include "plan/plan.hpp"
#include "staging/layout.hpp"
#include "system/finding.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// Whether `command` is run as root (user 0), as which nothing that it starts or leaves is of use to Patroni.
std::optional<Finding> review_user(unsigned user, const std::string& command);

/// Whether the disks have room for the backup: free bytes of every file system that the restore writes to, and what an
/// earlier try left in staging.
void review_disk(const Request& request, const Plan& plan, const Layout& layout, std::vector<Finding>& findings);

/// The rest of the machine: port, data directory, leftovers. Changes nothing.
void review_machine(const Request& request, const Layout& layout, std::vector<Finding>& findings);

}  // namespace patroni_pgbackrest
