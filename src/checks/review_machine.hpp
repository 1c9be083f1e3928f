#pragma once

#include "plan/plan.hpp"
#include "staging/layout.hpp"
#include "system/finding.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// Whether `command` is run as root (user 0), as which nothing that it starts or leaves is of use to Patroni.
std::optional<Finding> review_user(unsigned user, const std::string& command);

/// What is to be restored to a disk, or to several that are judged together, and how much of it they can hold.
struct DiskRoom {
    std::vector<std::string> directories;  ///< one of each disk
    std::uint64_t bytes = 0;               ///< free ones, and what an earlier try, or reuse-data, has already
    std::uint64_t needed = 0, for_wal = 0;
    bool may_take_less = false;  ///< a compressing file system, or databases that are left out
    bool is_one_of_several = false;
};
std::optional<Finding> judge_room(const std::string& backup_set, const DiskRoom& room);

/// Whether Patroni can set the data directory aside under the name that patroni.yml has for it. `end`: where that leads
/// as a symbolic link; empty if it is none.
std::optional<Finding> judge_name(const std::filesystem::path& data_directory, const std::filesystem::path& end);

/// Whether the disks have room for the backup. Where the restore writes to several, each for what goes there, as the
/// backup's manifest says; all together when that cannot be read.
void review_disk(const Request& request, const Plan& plan, const Layout& layout, std::vector<Finding>& findings);

/// The rest of the machine: port, data directory, leftovers. Changes nothing.
void review_machine(const Request& request, const Layout& layout, std::vector<Finding>& findings);

}  // namespace patroni_pgbackrest
