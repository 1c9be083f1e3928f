#pragma once

#include "patroni/configuration.hpp"
#include "yaml/tree.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// One file of Patroni's local configuration.
struct ConfigurationFile {
    std::filesystem::path path;
    std::string text;

    /// The beginning of places in this file.
    std::string name() const { return path.filename().string(); }
};

/// The file, or the directory's files in the order in which Patroni merges them. Throws Failure(usage) for a path that
/// is neither, a directory without YAML, and anything unreadable.
std::vector<ConfigurationFile> read_files(const std::filesystem::path& path);

/// The files, merged as Patroni merges them, with the PATRONI_* overrides that concern us. Throws Failure(usage).
yaml::NodePtr tree_of(const std::vector<ConfigurationFile>& files,
                      const std::map<std::string, std::string>& environment);

/// Patroni's local configuration (config.py, 2.0 to 4.1) as one tree: the file, or the directory's files merged in name
/// order, with the PATRONI_* overrides that concern us; or else PATRONI_CONFIGURATION alone, which Patroni does not
/// override; or else what the PATRONI_* variables say. What the source says that the DCS holds is in the place of
/// bootstrap.dcs (with_dcs_configuration()). Null if there is none of it. Throws Failure(usage).
yaml::NodePtr load_tree(const ConfigurationSource& source);

/// Whether PATRONI_* variables have a say: not beside PATRONI_CONFIGURATION.
bool variables_count(const ConfigurationSource& source);
/// Those that have one.
std::map<std::string, std::string> variables_in_force(const ConfigurationSource& source);

/// The keys that occur twice in one of its files.
std::vector<yaml::RepeatedKey> repeated_keys(const ConfigurationSource& source);

}  // namespace patroni_pgbackrest::patroni
