#pragma once

#include "pgbackrest/command_line.hpp"
#include "pgbackrest/info.hpp"
#include "pgbackrest/retry.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace patroni_pgbackrest::pgbackrest {

/// A tablespace or a symbolic link of a backup, which a restore puts outside the data directory.
struct BackupTarget {
    enum class Kind { tablespace, link } kind;
    std::string name;         ///< `ts1`, `pg_wal`
    std::string id;           ///< a tablespace's object id, `16385`
    std::string destination;  ///< where it was when the backup was made; a link's may be relative
};

/// From `info --set=… --output=json`; empty where the set is not in it, as when its manifest could not be read.
/// Throws Failure(repository_unreachable) if the text is not such JSON.
std::optional<std::vector<BackupTarget>> parse_targets(std::string_view json, const std::string& label);

/// From the text output of `info --set=…`: pgBackRest 2.33 refuses --output=json together with --set.
std::vector<BackupTarget> parse_printed_targets(std::string_view text);

/// Asks pgBackRest in the background.
class TargetsQuery {
  public:
    TargetsQuery(const Pgbackrest& pgbackrest, const Backup& backup);
    /// Waits for the answer, and retries errors that may pass. Throws as failure_of(); and where the answer, which
    /// succeeds all the same, does not have the set: target_not_reachable, or as the repository's error says.
    std::vector<BackupTarget> answer(const RetryPolicy& retry = {});

  private:
    std::string stanza_, label_;
    unsigned repository_;
    process::Command command_, printed_command_;
    std::unique_ptr<process::Capturing> first_;
};

/// Of tablespace-map and link-map, `ts1=/srv/ts1`; both empty where there is no equals sign.
std::pair<std::string, std::string> name_and_place(const Option& option);

/// A target that a restore puts outside the data directory.
struct RestoredTarget {
    BackupTarget::Kind kind;
    std::string files;  ///< what its files are called in the manifest: `pg_tblspc/16385`, `pg_data/pg_wal`
    std::filesystem::path place;
};

/// Where a restore with these options puts them: tablespaces according to tablespace-map and tablespace-map-all, links
/// only with link-map or link-all (other links become ordinary files and directories). What link-map names that was no
/// link becomes one (since 2.45 at the latest). Relative to `data_directory`.
std::vector<RestoredTarget> restored_targets(const std::vector<BackupTarget>& targets,
                                             const std::vector<Option>& options,
                                             const std::filesystem::path& data_directory);
/// Their places, or those of one kind: tablespaces are directories, a link may lead to a file.
std::vector<std::filesystem::path> places_of(const std::vector<RestoredTarget>& targets,
                                             std::optional<BackupTarget::Kind> kind = {});

}  // namespace patroni_pgbackrest::pgbackrest
