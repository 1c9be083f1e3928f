#pragma once

#include "patroni/configuration.hpp"
#include "system/finding.hpp"

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// What Patroni and PostgreSQL find on the first start besides patroni.yml.
struct StartupFiles {
    std::filesystem::path directory;  ///< config_dir, or the data directory
    bool is_directory = false;
    bool is_writable = false;
    std::set<std::string> there;     ///< the regular files in it
    std::set<std::string> writable;  ///< those of them that this user may change
    bool has_no_rules = false;       ///< its pg_hba.conf is there, and has no line that counts
    /// The `*.backup` files at the top of the restored data directory; empty if they are not known.
    std::optional<std::set<std::string>> backups;
    std::set<std::filesystem::path> missing;  ///< custom_conf and hba_file, where they are outside of PGDATA
};

/// Whether config_dir is outside of PGDATA, so that no backup brings it.
bool has_outer_config_directory(const Configuration& configuration);

/// Looks around on this node before the copy. Of a config_dir in PGDATA nothing is known then.
StartupFiles look_before_copy(const Configuration& configuration);
/// The same when `data_directory`, which may be staging, has been copied.
StartupFiles look_into_copy(const Configuration& configuration, const std::filesystem::path& data_directory);

/// The file that Patroni's postgresql.conf includes: custom_conf, or the base file, or what Patroni makes that on the
/// first start. Empty if it is not there.
std::optional<std::filesystem::path> included_file(const Configuration& configuration,
                                                   const std::filesystem::path& data_directory);

/// Whether Patroni includes another than this one, which included_file() found before the copy, once `backups` are at
/// the top of the data directory: it restores a base file before it makes one of postgresql.conf.
bool gives_way(const Configuration& configuration, const std::filesystem::path& included,
               const std::set<std::string>& backups);

/// Whether a file of config_dir is missing that the backup may bring.
bool needs_backup(const Configuration& configuration, const StartupFiles& seen);

/// What keeps Patroni or PostgreSQL from starting (postgresql/config.py write_postgresql_conf, append_pg_hba,
/// replace_pg_hba, and bootstrap.py post_bootstrap, 2.0 to 4.1; PostgreSQL's load_hba). Without postgresql.conf and its
/// base file Patroni ends with a FileNotFoundError. pg_hba.conf is opened to everybody during the bootstrap, and
/// replaced afterwards by what was there before: without a rule in it, PostgreSQL never starts again. A missing
/// pg_ident.conf does no harm. `writes_block` in patroni mode, where we write into config_dir ourselves.
std::vector<Finding> review_startup_files(const Configuration& configuration, const StartupFiles& seen,
                                          bool writes_block);

/// Restores what is missing in config_dir from the backups in the data directory.
void restore_startup_files(const Configuration& configuration, const std::filesystem::path& data_directory);

}  // namespace patroni_pgbackrest::patroni
