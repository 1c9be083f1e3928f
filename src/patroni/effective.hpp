#pragma once

#include "yaml/tree.hpp"
#include "yaml/write.hpp"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// An entry of `postgresql` as Patroni sees it during a bootstrap: the local one, or else that of bootstrap.dcs
/// (config.py _build_effective_configuration; __main__.py loads bootstrap.dcs while the DCS has no configuration).
const yaml::Entry* effective(const yaml::Node& local, const yaml::Node& dynamic, std::string_view key);

/// Patroni keeps server and recovery parameters in case-insensitive dictionaries: of several spellings the last counts.
const yaml::Entry* find_any_case(const yaml::Node& map, std::string_view name);

/// A server parameter. For each parameter, the local value comes first.
const yaml::Entry* parameter(const yaml::Node& local, const yaml::Node& dynamic, std::string_view name);

/// The same, in lower case, as far as Patroni writes it into postgresql.conf; null where what the backup brings counts.
/// Patroni writes no null, not even over a value of bootstrap.dcs that it hides, and no archive_mode that is neither a
/// boolean nor `always` (write_postgresql_conf in postgresql/config.py, EnumBool in postgresql/validator.py, 2.0 to
/// 4.1).
const yaml::Entry* written_parameter(const yaml::Node& local, const yaml::Node& dynamic, std::string_view name);

/// The names of all of them.
std::set<std::string> written_parameters(const yaml::Node& local, const yaml::Node& dynamic);

/// The recovery_conf that Patroni gives a standby. If `parameters` have any recovery parameter, those are all of it,
/// and no recovery_conf counts (postgresql/config.py _adjust_recovery_parameters, 2.0 to 4.1); else a local
/// recovery_conf takes the place of that of bootstrap.dcs as a whole.
struct RecoveryConf {
    struct Setting {
        yaml::Path path;  ///< of the entry, as it is spelt
        const yaml::Entry* entry;
    };
    yaml::Path path;  ///< of the map that counts; of postgresql.recovery_conf if there is none
    std::string place;
    std::vector<Setting> settings;

    /// Null if it is not there.
    const Setting* find(std::string_view name) const;
};
RecoveryConf recovery_conf_of_standbys(const yaml::Node& tree);

/// A method of create_replica_methods (create_replica_method in old files) and its block; null if it has none.
struct ReplicaMethod {
    yaml::NodePtr name;
    const yaml::Entry* block;
};
std::vector<ReplicaMethod> replica_methods(const yaml::Node& local, const yaml::Node& dynamic);

/// The list that they come from, under its new or its old name, local or of bootstrap.dcs. Patroni goes on to the next
/// where one is empty, and takes [basebackup] where all are (postgresql/__init__.py, 2.0 to 4.1). A path that leads
/// nowhere yet if there is none.
yaml::Path path_of_replica_methods(const yaml::Node& tree);

}  // namespace patroni_pgbackrest::patroni
