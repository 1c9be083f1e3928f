#pragma once

#include "patroni/configuration.hpp"
#include "patroni/configuration_files.hpp"
#include "system/finding.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// What patroni.yml is held against.
struct Intent {
    std::string stanza;  ///< empty: not known
    std::optional<std::filesystem::path> pgbackrest_configuration;
    bool has_target = false;           ///< not the latest point
    std::filesystem::path root = "/";  ///< where systemd's units and the devices are looked for
};

/// What is wrong in patroni.yml although it can be read: what Patroni ignores without a word, what would make the
/// restore worthless, what would surprise later (docs/checks.md tells each). Throws Failure(usage) as
/// read_configuration().
std::vector<Finding> review(const ConfigurationSource& source, const Intent& intent);

/// Other members' patroni.yml against ours: the nodes race for the bootstrap, and the winner's configuration decides.
/// Throws Failure(usage) as read_configuration().
std::vector<Finding> review_members(const ConfigurationSource& source, const std::vector<std::filesystem::path>& files);

/// What standbys need at least as high as the server that wrote the WAL had it (pg_control's `limits`), and
/// bootstrap.dcs sets lower, or leaves at Patroni's lower default.
std::vector<Finding> review_limits(const ConfigurationSource& source, const std::map<std::string, int>& limits);

/// The units that run Patroni with this file. Debian has a template besides patroni.service, for several clusters on
/// one machine: patroni@15-demo takes /etc/patroni/15-demo.yml, by PostgreSQL's version and the cluster's name.
std::vector<std::string> units_of(const std::optional<std::filesystem::path>& file);

/// The parts of it. `tree` is the merged configuration.
void review_method(const yaml::Node& tree, std::vector<Finding>& findings);
void review_repeated_keys(const yaml::Node& tree, const std::vector<yaml::RepeatedKey>& repeated,
                          std::vector<Finding>& findings);
void review_member(const yaml::Node& tree, const yaml::Node& member, const std::filesystem::path& file,
                   std::vector<Finding>& findings);
void review_archiving(const yaml::Node& tree, const Intent& intent, std::vector<Finding>& findings);
void review_replica_methods(const yaml::Node& tree, const Intent& intent, std::vector<Finding>& findings);
void review_node(const yaml::Node& tree, const ConfigurationSource& source, const Intent& intent,
                 std::vector<Finding>& findings);

}  // namespace patroni_pgbackrest::patroni
