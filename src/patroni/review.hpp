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

/// What patroni.yml is compared with.
struct Intent {
    std::string stanza;  ///< empty if unknown
    std::optional<std::filesystem::path> pgbackrest_configuration;
    std::optional<std::filesystem::path> pgbackrest_directory;  ///< config-path
    /// What our own environment says of pgBackRest holds for PostgreSQL's commands as well; review_archiving() looks.
    bool inherits = true;
    bool has_target = false;           ///< other than the latest point
    std::filesystem::path root = "/";  ///< where to look for systemd's units and for devices
};

/// The errors in a patroni.yml that can be read: what Patroni silently ignores, what would make the restore worthless,
/// what would surprise later (docs/checks.md has each). Throws Failure(usage) as read_configuration().
std::vector<Finding> review(const ConfigurationSource& source, const Intent& intent);

/// Compares other members' patroni.yml with ours: the nodes race for the bootstrap, and the winner's configuration
/// decides. Throws Failure(usage) as read_configuration().
std::vector<Finding> review_members(const ConfigurationSource& source, const std::vector<std::filesystem::path>& files);

/// The parameters that Patroni takes from the DCS alone: from the configuration that is there already, else from
/// bootstrap.dcs (ensure_dcs_access in __main__.py, 2.0 to 4.1).
class DynamicLimits {
  public:
    explicit DynamicLimits(const ConfigurationSource& source);

    /// What it gives PostgreSQL on the first start as a primary; empty when there is no patroni.yml, or no number.
    std::optional<std::int64_t> in_force(const std::string& name) const;
    /// Whether it is in the DCS already: nothing on this node changes when somebody changes it.
    bool is_left() const { return !edit_.empty(); }
    /// `set max_connections to 100 or more in …`
    std::string how_to_raise(const std::string& name, std::int64_t least) const;
    /// Those that are lower than in the server that wrote the WAL (pg_control's `limits`), or are left at Patroni's
    /// lower default: a standby needs them as high.
    std::vector<Finding> review(const std::map<std::string, int>& limits) const;
    /// Patroni always gives PostgreSQL track_commit_timestamp, and off where nothing is set. With that PostgreSQL
    /// erases at its start what it has of them (CompleteCommitTsInitialization in commit_ts.c). `kept`: the source kept
    /// them.
    std::optional<Problem> loss_of_commit_timestamps(bool kept) const;

  private:
    yaml::NodePtr tree_;
    const yaml::Node* configuration_ = nullptr;  // in tree_; null without a patroni.yml
    std::string edit_;                           // empty if it is bootstrap.dcs
};

/// The units that run Patroni with this file. Besides patroni.service, Debian has a template for several clusters on
/// one machine: patroni@15-demo (PostgreSQL's version and the cluster's name) uses /etc/patroni/15-demo.yml.
std::vector<std::string> units_of(const std::optional<std::filesystem::path>& file);

/// The parts of review(). `tree` is the merged configuration.
void review_method(const yaml::Node& tree, std::vector<Finding>& findings);
void review_proof(const yaml::Node& tree, const Intent& intent, std::vector<Finding>& findings);
void review_repeated_keys(const yaml::Node& tree, const std::vector<yaml::RepeatedKey>& repeated,
                          std::vector<Finding>& findings);
void review_member(const yaml::Node& tree, const yaml::Node& member, const std::filesystem::path& file,
                   std::vector<Finding>& findings);
void review_archiving(const yaml::Node& tree, const Intent& intent, std::vector<Finding>& findings);
void review_replica_methods(const yaml::Node& tree, const Intent& intent, std::vector<Finding>& findings);
void review_passwords(const ConfigurationSource& source, std::vector<Finding>& findings);
void review_node(const yaml::Node& tree, const ConfigurationSource& source, const Intent& intent,
                 std::vector<Finding>& findings);

}  // namespace patroni_pgbackrest::patroni
