#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace patroni_pgbackrest::yaml {
struct Node;
}

namespace patroni_pgbackrest::patroni {

/// A value of patroni.yml and its place, `patroni.yml:17` (or the environment variable that set it).
struct Value {
    std::string text;
    std::string place;
};

/// One key of the method's block that Patroni does not reserve. A scalar gives one value, a list one per item, a map
/// one `key=value` per entry. A blank value (`target:`) gives none.
struct BlockEntry {
    std::string key;
    std::vector<Value> values;
    std::string place;
};

/// `bootstrap.method` and the block it names.
struct MethodBlock {
    std::string name;
    std::string place;
    std::vector<std::string> command;  ///< split as Patroni does, with shell quoting
    std::vector<BlockEntry> entries;   ///< every key but Patroni's reserved ones, in file order
    std::optional<std::map<std::string, Value>> recovery_conf;  ///< if there, Patroni replays. Names in lower case
    bool keep_existing_recovery_conf = false;
};

/// How the cluster archives its WAL, as far as Patroni says: local parameters, or else those of bootstrap.dcs.
struct Archiving {
    bool is_on = false;  ///< archive_mode is on or always
    std::optional<Value> mode, command;
};

/// What PostgreSQL opens before anything else, as patroni.yml names it: local parameters, or else those of
/// bootstrap.dcs.
struct OpenedAtStart {
    std::optional<Value> listen;
    std::optional<Value> socket_directories;
    std::vector<std::pair<std::string, Value>> tls_files;  ///< with their parameters' names; empty unless ssl is on
    std::optional<Value> libraries;                        ///< shared_preload_libraries
    bool has_library_path = false;                         ///< dynamic_library_path
};

/// The value of an option in a pgBackRest command line, `--name=value` or `--name value`, even inside a shell command
/// or behind a wrapper; empty if there is none.
std::optional<std::string> pgbackrest_option(const std::string& command, const std::string& name);

/// Patroni's parse_bool (utils.py, 2.0 to 4.1), which knows fewer words than PostgreSQL; empty for any other.
std::optional<bool> parse_bool(std::string_view value);

/// The part of patroni.yml that concerns us, read once. Passwords are not kept.
struct Configuration {
    std::string source;           ///< the path as given, `PATRONI_CONFIGURATION`, or `the PATRONI_* variables`
    bool only_variables = false;  ///< no file and no PATRONI_CONFIGURATION: no variable can name a bootstrap method
    /// Of the whole content but for passwords: it is kept where a backup of the data directory may have it, and would
    /// let weak ones be guessed. None of them ends a bootstrap, in which Patroni logs in by trust and sets them itself.
    std::size_t fingerprint = 0;
    std::size_t fingerprint_in_force = 0;  ///< with what the DCS holds in the place of bootstrap.dcs
    std::string dcs_edit;                  ///< DcsConfiguration's; empty where bootstrap.dcs counts
    std::optional<Value> scope;
    std::optional<Value> name;  ///< of this member; postgresql.name where there is no other
    std::string member() const { return name ? name->text : std::string(); }
    std::optional<Value> data_directory;    ///< postgresql.data_dir
    std::optional<Value> bin_directory;     ///< postgresql.bin_dir
    std::optional<Value> config_directory;  ///< postgresql.config_dir
    std::string config_base_name = "postgresql";
    std::optional<Value> log_directory;  ///< log.dir, where Patroni writes its own log
    std::optional<Value> custom_conf;    ///< postgresql.custom_conf; takes effect even if it is blank
    bool has_pg_hba = false;             ///< postgresql.pg_hba, or a hba_file that is not PGDATA's own pg_hba.conf
    std::optional<Value> hba_file;       ///< that hba_file
    bool has_bootstrap_pg_hba = false;   ///< bootstrap.pg_hba, which Patroni appends to pg_hba.conf
    std::optional<MethodBlock> method;   ///< absent: no bootstrap.method, or it names no block with a command
    std::optional<Value> method_name;    ///< bootstrap.method as written
    unsigned loop_wait = 10;             ///< of bootstrap.dcs, in seconds; Patroni's default if it is not set
    std::optional<unsigned> port;        ///< of postgresql.listen; 5432 if that names none
    Archiving archiving;
    OpenedAtStart opened;
    /// The names of the parameters that Patroni writes into postgresql.conf behind its include, in lower case.
    std::set<std::string> written_parameters;
    std::optional<Value> parameter_data_directory;   ///< PostgreSQL's data_directory, which comes before data_dir
    std::optional<std::string> password_encryption;  ///< md5 or scram-sha-256
    /// Every other place that sets restore_command for a server that Patroni restarts: recovery_conf, parameters and
    /// parameters_ROLE (after 4.1) of postgresql and of bootstrap.dcs.postgresql, and bootstrap.dcs.standby_cluster. An
    /// empty restore_command counts too: Patroni writes it after its include.
    std::vector<Value> restore_commands;
    /// Every recovery_prefetch for a server that Patroni starts: recovery_conf of postgresql and of
    /// bootstrap.dcs.postgresql, parameters and parameters_ROLE.
    std::vector<Value> prefetches;
    std::vector<Value>
        leaderless_replica_methods;  ///< methods in create_replica_methods with no_leader (no_master): name and place
};

/// What the DCS holds, and Patroni takes instead of bootstrap.dcs.
struct DcsConfiguration {
    std::string json;  ///< empty if it holds nothing, or that is not known: bootstrap.dcs counts then
    std::string edit;  ///< the command that changes it, but for what to change: `patronictl edit-config demo --force`
};

/// Where Patroni's configuration comes from.
struct ConfigurationSource {
    std::optional<std::filesystem::path> path;  ///< a file, or a directory of *.yml and *.yaml merged in name order
    std::map<std::string, std::string> environment;  ///< PATRONI_*: the caller's
    DcsConfiguration dcs{};
};

/// Reads it as Patroni does (config.py, 2.0 to 4.1): a file or directory with the overrides PATRONI_SCOPE,
/// PATRONI_NAME, PATRONI_POSTGRESQL_{DATA,BIN,CONFIG}_DIR, PATRONI_POSTGRESQL_LISTEN and PATRONI_LOG_DIR; or else
/// PATRONI_CONFIGURATION, which nothing overrides; or else those variables alone. What the local postgresql section
/// does not set comes from bootstrap.dcs, as on a first start, or from what the source says that the DCS holds.
/// Wherever this header names bootstrap.dcs, the latter is meant as well. Empty if there is none of it. Throws
/// Failure(usage) with all problems: broken YAML, with file and line (the line's text is not shown, because it may hold
/// a password); a path that is unreadable, or neither file nor directory; a directory without YAML; a top level that is
/// not a map; a wrong type in what is read here; in the method's block, a number that Patroni would pass on in another
/// form (`0755`, `1.10`); in its recovery_conf, a time with an offset that is not in quotes (PyYAML before 5.4 drops
/// the offset).
std::optional<Configuration> read_configuration(const ConfigurationSource& source);

/// The same from a tree that has already been read. `source` is the name of the configuration.
Configuration configuration_in(const yaml::Node& tree, const std::string& source);

/// How the cluster archives, by itself: nothing is refused here for what is wrong elsewhere. Throws Failure(usage) only
/// for what cannot be read at all.
Archiving read_archiving(const ConfigurationSource& source);

/// The Patroni that called us, from the ancestors' command lines: its configuration path (made absolute with its
/// working directory), its PATRONI_* environment, and its process id. Empty if no ancestor is a Patroni.
struct CallingPatroni {
    int pid;
    ConfigurationSource source;
};
std::optional<CallingPatroni> find_calling_patroni();

/// One of the files of `path` that was changed after that process had started, so that it may go by what it read
/// before.
std::optional<std::filesystem::path> changed_since_start(const std::filesystem::path& path, int pid);

/// Its version, `3.0.2`, from the Python package beside the extension modules that it has loaded. (Starting Python to
/// ask would take longer than everything else before the copy.) Empty if it is not found.
std::optional<std::string> version_of_patroni(int pid);
/// Throws Failure(preflight_refused) for a version before 2.0.
void require_supported_patroni(const std::string& version);

}  // namespace patroni_pgbackrest::patroni
