#include "plan/clusters.hpp"

#include "postgres/binaries.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace patroni_pgbackrest {

namespace {

/// 9.6 and 15: what comes after the point does not count, as the oldest supported one is 13.
std::uint64_t major_of(const std::string& version) {
    return system::number(version.substr(0, version.find('.'))).value_or(0);
}

bool is_of(const Cluster& cluster, unsigned database_id, unsigned repository) {
    return std::any_of(cluster.databases.begin(), cluster.databases.end(), [&](const auto& database) {
        return database.id == database_id && database.repository == repository;
    });
}

Cluster& cluster_of(const pgbackrest::Database& database, std::vector<Cluster>& clusters) {
    const auto known = std::find_if(clusters.begin(), clusters.end(), [&](const auto& cluster) {
        return cluster.system_identifier == database.system_identifier && cluster.version == database.version;
    });
    if (known != clusters.end()) {
        return *known;
    }
    clusters.push_back({database.system_identifier, database.version, false, {}, {}, {}});
    return clusters.back();
}

/// In each repository the greatest id is the current one (pgBackRest's infoPgSave: db-id); all of them must agree.
void mark_current(const std::vector<pgbackrest::Database>& databases, std::vector<Cluster>& clusters) {
    std::map<unsigned, unsigned> greatest;
    for (const auto& database : databases) {
        auto& id = greatest[database.repository];
        id = std::max(id, database.id);
    }
    for (auto& cluster : clusters) {
        cluster.is_current = std::all_of(greatest.begin(), greatest.end(), [&](const auto& current) {
            return is_of(cluster, current.second, current.first);
        });
    }
}

std::string texts_of(const std::vector<Cluster>& clusters) {
    std::vector<std::string> texts;
    for (const auto& cluster : clusters) {
        texts.push_back(cluster.text());
    }
    return system::join(texts, "; ");
}

SettledCluster settled_on(const Cluster& chosen, const std::vector<Cluster>& clusters) {
    SettledCluster settled{chosen, {}};
    for (const auto& cluster : clusters) {
        if (&cluster != &chosen) {
            settled.others.push_back(cluster);
        }
    }
    return settled;
}

const Cluster& with_backup(const std::string& label, const std::vector<Cluster>& clusters,
                           const pgbackrest::Stanza& stanza) {
    const auto found = std::find_if(clusters.begin(), clusters.end(), [&](const auto& cluster) {
        return std::any_of(cluster.backups.begin(), cluster.backups.end(),
                           [&](const auto& backup) { return backup.label == label; });
    });
    if (found == clusters.end()) {
        throw Failure(ExitCode::target_not_reachable,
                      fmt::format("backup set {} does not exist in stanza {}", label, stanza.name),
                      "there are: " + texts_of(clusters));
    }
    return *found;
}

const Cluster& identified(const std::string& identifier, const std::vector<Cluster>& clusters,
                          const pgbackrest::Stanza& stanza) {
    const Cluster* found = nullptr;
    for (const auto& cluster : clusters) {
        if (cluster.system_identifier == identifier && (found == nullptr || !cluster.backups.empty())) {
            found = &cluster;
        }
    }
    if (found == nullptr || found->backups.empty()) {
        throw Failure(ExitCode::target_not_reachable,
                      fmt::format("stanza {} has no backup of system identifier {}", stanza.name, identifier),
                      fmt::format("initdb and pg_upgrade make a new system identifier: correct system-identifier, or "
                                  "take it out if no other cluster can be meant; there are: {}",
                                  texts_of(clusters)));
    }
    return *found;
}

bool is_upgrade_of(const Cluster& older, const Cluster& newer) {
    return major_of(older.version) < major_of(newer.version);
}

/// An identifier that was written down before a pg_upgrade is no wish to go back behind it: a target or a backup set
/// says that as well.
void refuse_to_go_behind_upgrade(const Request& request, const Cluster& found, const Cluster& current,
                                 const pgbackrest::Stanza& stanza) {
    const bool asks_for_newest = request.target.is_latest() || request.target.is_immediate();
    if (request.backup_set || !asks_for_newest || !is_upgrade_of(found, current)) {
        return;
    }
    throw Failure(ExitCode::usage,
                  fmt::format("system-identifier names the cluster that stanza {} held before it was upgraded: {}; it "
                              "archives for {} now",
                              stanza.name, found.text(), current.text()),
                  fmt::format("set system-identifier to {}, or name a backup set as well with set if the old cluster "
                              "is to come back",
                              current.system_identifier));
}

/// Whether nothing else than the current cluster can be meant.
bool is_beyond_doubt(const Cluster& current, const std::vector<Cluster>& clusters) {
    return !current.backups.empty() && std::all_of(clusters.begin(), clusters.end(), [&](const auto& other) {
        return &other == &current || other.backups.empty() || is_upgrade_of(other, current);
    });
}

[[noreturn]] void refuse_to_guess(const std::vector<Cluster>& clusters, const Cluster* current,
                                  const pgbackrest::Stanza& stanza) {
    const bool lacks_backup = current != nullptr && current->backups.empty();
    const bool is_upgraded = lacks_backup && std::all_of(clusters.begin(), clusters.end(), [&](const auto& cluster) {
                                 return &cluster == current || is_upgrade_of(cluster, *current);
                             });
    throw Failure(
        ExitCode::usage,
        lacks_backup
            ? fmt::format("stanza {} archives for a cluster that has no backup, and holds backups of another: {}",
                          stanza.name, texts_of(clusters))
            : fmt::format("stanza {} holds backups of several clusters: {}", stanza.name, texts_of(clusters)),
        is_upgraded
            ? "make a backup of the present cluster, or name a backup set of the one before the upgrade with set"
            : "say with system-identifier which cluster is to be restored, or name a backup set with set");
}

}  // namespace

std::string Cluster::text() const {
    std::string last;
    for (const auto& archive : archives) {
        last = std::max(last, archive.last);
    }
    const auto named = [](const pgbackrest::Backup& backup) {
        return fmt::format("{} ended at {}", backup.label, instant(backup.stopped));
    };
    const auto held = backups.empty() ? "no backup"
                      : backups.size() == 1
                          ? "backup set " + named(backups.front())
                          : fmt::format("backup set {} to {}", named(backups.front()), named(backups.back()));
    return fmt::format("system identifier {} (PostgreSQL {}, {}, {}{})", system_identifier, version, held,
                       last.empty() ? "no WAL" : "WAL to " + last, is_current ? ", the stanza's present one" : "");
}

std::vector<Cluster> clusters_in(const pgbackrest::Stanza& stanza) {
    auto databases = stanza.databases;
    std::stable_sort(databases.begin(), databases.end(),
                     [](const auto& one, const auto& other) { return one.id < other.id; });
    std::vector<Cluster> clusters;
    for (const auto& database : databases) {
        cluster_of(database, clusters).databases.push_back(database);
    }
    for (auto& cluster : clusters) {
        for (const auto& archive : stanza.archives) {
            if (is_of(cluster, archive.database_id, archive.repository)) {
                cluster.archives.push_back(archive);
            }
        }
        for (const auto& backup : stanza.backups) {
            if (is_of(cluster, backup.database_id, backup.repository)) {
                cluster.backups.push_back(backup);
            }
        }
    }
    mark_current(databases, clusters);
    return clusters;
}

SettledCluster settle_cluster(const Request& request, const pgbackrest::Stanza& stanza) {
    for (const auto& backup : stanza.backups) {
        database_of(stanza, backup);
    }
    const auto clusters = clusters_in(stanza);
    const auto current =
        std::find_if(clusters.begin(), clusters.end(), [](const auto& cluster) { return cluster.is_current; });
    if (request.system_identifier) {
        const auto& found = identified(*request.system_identifier, clusters, stanza);
        if (current != clusters.end()) {
            refuse_to_go_behind_upgrade(request, found, *current, stanza);
        }
        return settled_on(found, clusters);
    }
    if (request.backup_set) {
        return settled_on(with_backup(*request.backup_set, clusters, stanza), clusters);
    }
    if (current == clusters.end() || !is_beyond_doubt(*current, clusters)) {
        refuse_to_guess(clusters, current == clusters.end() ? nullptr : &*current, stanza);
    }
    return settled_on(*current, clusters);
}

pgbackrest::Stanza only(const Cluster& cluster, pgbackrest::Stanza stanza) {
    stanza.databases = cluster.databases;
    stanza.archives = cluster.archives;
    stanza.backups = cluster.backups;
    return stanza;
}

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

int supported_major(const pgbackrest::Database& database) {
    const auto major = system::number(database.version.substr(0, database.version.find('.')));
    if (!major || *major < postgres::oldest_supported_major) {
        throw Failure(ExitCode::preflight_refused,
                      fmt::format("the backup is of PostgreSQL {}, which is not supported", database.version),
                      fmt::format("PostgreSQL {} and later can be restored", postgres::oldest_supported_major));
    }
    if (*major > postgres::newest_supported_major) {
        throw Failure(
            ExitCode::preflight_refused,
            fmt::format("the backup is of PostgreSQL {}, whose WAL this version does not know", database.version),
            fmt::format("install a later version of this program; PostgreSQL {} to {} can be restored",
                        postgres::oldest_supported_major, postgres::newest_supported_major));
    }
    return static_cast<int>(*major);
}

}  // namespace patroni_pgbackrest
