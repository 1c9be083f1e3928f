#pragma once

#include "pgbackrest/archive.hpp"
#include "pgbackrest/command_line.hpp"
#include "pgbackrest/info.hpp"
#include "pgbackrest/retry.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace patroni_pgbackrest::pgbackrest {

/// Where an archive ended when it was read.
struct ArchiveEnd {
    std::vector<Archive> archives;
    std::map<postgres::Timeline, LastSegment> last_segments;
    std::set<postgres::Timeline> histories;
    std::map<postgres::Timeline, std::string> directories;

    /// The first file of a listing (of an archive id's directory, or of one of its directories) that is past this end:
    /// a segment, a directory of segments, or a history file. Empty if there is none.
    std::optional<std::string> first_behind(const std::vector<Listed>& listed) const;

  private:
    /// Whether a segment or a directory is the first of a timeline whose history is known.
    bool has_begun_since(const std::string& name) const;
};

/// Looks into the archive once more, in the background, for new files that somebody has written.
class GrowthQuery {
  public:
    GrowthQuery(const Pgbackrest& pgbackrest, ArchiveEnd end);
    /// What has arrived since; empty if nothing has. Retries errors that may pass, throws as failure_of() and
    /// require_listed().
    std::optional<std::string> answer(const RetryPolicy& retry = {});

  private:
    struct Listing {
        std::string path;
        process::Command command;
        std::unique_ptr<process::Capturing> running;
        std::optional<Archive> archive;  ///< whose own directory it is
    };

    ArchiveEnd end_;
    std::vector<Listing> listings_;
};

}  // namespace patroni_pgbackrest::pgbackrest
