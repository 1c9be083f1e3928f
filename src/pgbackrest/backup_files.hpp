#pragma once

#include "pgbackrest/command_line.hpp"
#include "pgbackrest/info.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::pgbackrest {

/// The files at the top of the data directory in a manifest (`pg_data/postgresql.conf={…}`, format 5, 2.33 to 2.60);
/// empty if the text is no manifest.
std::optional<std::set<std::string>> top_files_in(std::string_view manifest);

/// Asks the repository for the manifest of a backup, which has a line for each file. Empty if it cannot be read.
std::optional<std::set<std::string>> top_files_of(const Pgbackrest& pgbackrest, const Backup& backup);

/// What a restore puts in one place.
struct TargetFiles {
    std::uint64_t bytes = 0;
    bool is_directory = false;  ///< or one file

    bool operator==(const TargetFiles&) const = default;
};

/// Reads a manifest line by line for what goes where.
class TargetsInManifest {
  public:
    /// `targets` as in RestoredTarget::files. A file belongs to the one with the longest name (a link below a link).
    explicit TargetsInManifest(std::vector<std::string> targets);

    void read(std::string_view line);
    /// Of each target in turn, and of the data directory at the end. Empty if there was no file with a size.
    std::optional<std::vector<TargetFiles>> found() const;
    /// Of all targets together.
    std::uint64_t files() const { return files_; }

  private:
    std::vector<std::string> targets_;
    std::vector<TargetFiles> found_;
    std::string section_;
    std::uint64_t files_ = 0;  ///< with a size
};

/// The same from the repository. Empty if the manifest cannot be read, or takes more than a minute.
std::optional<std::vector<TargetFiles>> files_of_targets(const Pgbackrest& pgbackrest, const Backup& backup,
                                                         const std::vector<std::string>& targets);

/// How many files the manifest has. Empty as above.
std::optional<std::uint64_t> number_of_files(const Pgbackrest& pgbackrest, const Backup& backup);

}  // namespace patroni_pgbackrest::pgbackrest
