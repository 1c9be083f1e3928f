#pragma once

#include "patroni/configuration.hpp"
#include "patroni/configuration_files.hpp"
#include "system/failure.hpp"
#include "yaml/edit.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// Patroni's local configuration while it is changed, in memory. It is a file, or a directory of files. In a directory,
/// the last file in name order that has a key is changed, because that one counts. A new key goes into the last file
/// that has the section. Every change throws as yaml/edit.hpp says, with places in the files as they are on disk, and
/// Failure(internal_error) if the files together do not say what was asked for afterwards.
class ConfigurationEdit {
  public:
    /// Throws Failure(usage) if the path cannot be read.
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

    /// The problems with their places as the files are on disk: `patroni.yml:7`. Empty for a line that is not there.
    std::vector<Problem> on_disk(std::vector<Problem> problems) const;

    bool is_changed() const;
    /// What `diff -u` would print, with `a/` and `b/` before the paths and without secrets; empty if nothing changed.
    std::string diff() const;
    /// Gives the changed files their new text, all of them or none. Returns their paths. Throws Failure as
    /// system::rewrite().
    std::vector<std::filesystem::path> write() const;

  private:
    struct File {
        std::filesystem::path path;
        yaml::Document before, now;
        std::vector<std::size_t> lines;  ///< of each line now, its number on disk; 0 for a new one
    };
    File& file_for(const yaml::Path& path);
    /// Takes the result of `change(document)` over.
    template <typename Change>
    void change(File& file, const yaml::Path& path, Change make);

    std::filesystem::path path_;
    std::map<std::string, std::string> environment_;
    std::vector<File> files_;
    yaml::NodePtr tree_;
};

}  // namespace patroni_pgbackrest::patroni
