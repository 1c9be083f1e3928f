#include "plan/clusters.hpp"

#include "postgres/binaries.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace patroni_pgbackrest {

const pgbackrest::Database& database_of(const pgbackrest::Stanza& stanza, const pgbackrest::Backup& backup) {
    for (const auto& database : stanza.databases) {
        if (database.id == backup.database_id && database.repository == backup.repository) {
            return database;
        }
    }
    throw Failure(
        ExitCode::target_not_reachable,
        fmt::format("pgbackrest info knows no database {} for backup set {}", backup.database_id, backup.label),
        "run pgbackrest check on the repository");
}

std::vector<pgbackrest::Archive> archives_of(const pgbackrest::Stanza& stanza, const pgbackrest::Database& database) {
    const auto belongs = [&](const pgbackrest::Archive& archive) {
        return std::any_of(stanza.databases.begin(), stanza.databases.end(), [&](const auto& candidate) {
            return candidate.id == archive.database_id && candidate.repository == archive.repository &&
                   candidate.system_identifier == database.system_identifier && candidate.version == database.version;
        });
    };
    std::vector<pgbackrest::Archive> archives;
    std::copy_if(stanza.archives.begin(), stanza.archives.end(), std::back_inserter(archives), belongs);
    return archives;
}

int supported_major(const pgbackrest::Database& database) {
    const auto major = system::number(database.version.substr(0, database.version.find('.')));
    if (!major || *major < postgres::oldest_supported_major) {
        throw Failure(ExitCode::preflight_refused,
                      fmt::format("the backup is of PostgreSQL {}, which is not supported", database.version),
                      fmt::format("PostgreSQL {} and later can be restored", postgres::oldest_supported_major));
    }
    return static_cast<int>(*major);
}

}  // namespace patroni_pgbackrest
