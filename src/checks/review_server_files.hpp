#pragma once

#include "request/request.hpp"
#include "system/finding.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace patroni_pgbackrest {

/// The configuration file that the cluster's server will read besides what Patroni writes: the one that Patroni's
/// postgresql.conf includes; without a patroni.yml, postgresql.conf. `data_directory` may be staging. Empty if it is
/// not there.
std::optional<std::filesystem::path> server_file(const Request& request, const std::filesystem::path& data_directory);
/// The same before the copy, where it does not come with the backup.
std::optional<std::filesystem::path> server_file_outside(const Request& request);

/// Whether that server would start by it, and on PGDATA: PostgreSQL's own words on the file with its includes
/// (`postgres -C`), as far as patroni.yml does not set the same. What names a file in PGDATA is passed over, as it may
/// come with the backup. `file` may be empty: patroni.yml's parameters alone are looked at then.
std::vector<Finding> review_server_file(const Request& request, const std::filesystem::path& bin_directory,
                                        const std::optional<std::filesystem::path>& file);

/// Takes a data_directory that is not PGDATA out of the copy's own file, and says so: it names the lost cluster's
/// place. One in an included file stays. Throws Failure(system_refused).
void take_out_data_directory(const Request& request, const std::filesystem::path& copy);

}  // namespace patroni_pgbackrest
