#pragma once

#include "patroni/configuration.hpp"
#include "patroni/configuration_files.hpp"
#include "yaml/edit.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// Patroni's local configuration while it is changed, in memory: a file, or a directory of files, of which the last one
/// in name order that has a key is changed, since that one counts. A new key goes into the last file that has the
/// section. Every change throws as yaml_edit.hpp says, and Failure(internal_error) when the files together would not
/// say afterwards what was wished.
class ConfigurationEdit {
  public:
    /// Throws Failure(usage) when the path cannot be read.
    ConfigurationEdit(const std::filesystem::path& path, std::map<std::string, std::string> environment);

    /// As Patroni sees it now.
    const yaml::Node& tree() const { return *tree_; }
    const yaml::Node* find(const yaml::Path& path) const { return yaml::find(*tree_, path); }
    /// Throws as read_configuration().
    Configuration configuration() const;

    void set(const yaml::Path& path, const yaml::NewNode& wanted);
    void prepend(const yaml::Path& path, const yaml::NewNode& item, const yaml::NewNode& otherwise);
    /// From every file that has it.
    void remove(const yaml::Path& path);

    /// What `diff -u` would print, `a/` and `b/` before the paths, without secrets; empty when nothing changed.
    std::string diff() const;
    /// Replaces the files that changed, each at once, with owner and mode kept and symbolic links followed. Returns
    /// their paths. Throws Failure as system::replace_file().
    std::vector<std::filesystem::path> write() const;

  private:
    ConfigurationFile& file_for(const yaml::Path& path);
    void take_over(const yaml::Path& path);

    std::filesystem::path path_;
    std::map<std::string, std::string> environment_;
    std::vector<ConfigurationFile> before_;
    std::vector<ConfigurationFile> files_;
    yaml::NodePtr tree_;
};

}  // namespace patroni_pgbackrest::patroni
