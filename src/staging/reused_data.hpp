#pragma once

#include "pgbackrest/archive.hpp"
#include "plan/plan.hpp"
#include "postgres/control_data.hpp"
#include "request/request.hpp"
#include "staging/layout.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace patroni_pgbackrest {

/// A directory beside the data directory, as far as it decides whether `reuse-data: auto` takes it.
struct DataBeside {
    std::filesystem::path directory;
    bool has_patronis_name = false;                ///< is_patronis_name(): any other is a person's, who keeps it
    bool is_link = false;                          ///< nothing behind it is looked at
    std::string other_owner;                       ///< whose it is; empty if it is this user's
    std::optional<postgres::ControlFile> control;  ///< of whatever cluster
    int major_version = 0;                         ///< 0: PG_VERSION cannot be read
    bool has_journal = false;                      ///< of a restore into it, which may go on one day
    std::optional<pid_t> server;                   ///< that runs in it
    std::string why_it_stays;                      ///< why it cannot be renamed; empty if it can
    std::string obstacle;                          ///< what of it is not in it alone, or not this user's to change
    bool was_given_up = false;                     ///< Fate::given_up: nobody ever led with it
    std::string only_copy;                         ///< which WAL the archive does not have, or may not have
};

/// Why its files are not used for a restore of the plan's cluster; empty when they are. It is renamed, changed and
/// emptied of all that the backup does not have, so nobody may need it, and nothing of it may lie anywhere else.
std::string why_not_reused(const DataBeside& beside, const Plan& plan);

/// What `reuse-data: auto` comes to.
struct ReusedData {
    std::optional<std::filesystem::path> directory{};
    std::vector<std::string> lines{};  ///< in words: what is passed over, then what is taken, each with the reason
};

/// The first that can be reused, beginning with the one that a server has written to last, as its pg_control says.
ReusedData choose_reused_data(std::vector<DataBeside> found, const Plan& plan,
                              const std::filesystem::path& data_directory);

/// Looks beside the data directory; of directories under other names than Patroni's only at those of the same cluster.
/// None where the restore goes on with something that is there already: a staging directory, or what Patroni set
/// aside of this request. `archived`: from the backup set on.
ReusedData find_reused_data(const Request& request, const Plan& plan, const pgbackrest::ArchivedFiles& archived,
                            const Layout& layout);

}  // namespace patroni_pgbackrest
