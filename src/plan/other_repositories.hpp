#pragma once

#include "plan/clusters.hpp"
#include "postgres/timeline_history.hpp"
#include "postgres/wal.hpp"
#include "process/child.hpp"
#include "request/request.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// What one archive id of a repository that `repo` leaves out holds of the cluster.
struct ArchiveElsewhere {
    unsigned repository;
    std::string path;                          ///< `archive/demo/15-1`
    std::string last;                          ///< the greatest segment name; empty when it holds none
    std::set<postgres::Timeline> timelines{};  ///< by its histories and its directories of WAL
    std::set<postgres::Timeline> histories{};  ///< those of which there is a history file
};

/// Asks the repositories that `repo` leaves out, in the background, each by itself: one that hangs takes no other's
/// answer away. Nobody wants to restore from them, and they may be out of reach: no more than a few seconds are waited
/// for them, and a warning says what is not known then.
class OtherRepositories {
  public:
    /// Asks nothing when the request names no repository. Throws what read_configuration() throws.
    explicit OtherRepositories(const Request& request);

    std::vector<ArchiveElsewhere> answer(const Cluster& cluster);

  private:
    const Request& request_;
    std::map<unsigned, std::unique_ptr<process::Capturing>> info_;
};

/// Warnings: which of them has a history of the followed timeline that tells another fork, so that the number is
/// another branch's there. They are asked and waited for as above.
std::vector<std::string> other_pasts(const postgres::TimelineHistory& followed,
                                     const std::vector<ArchiveElsewhere>& elsewhere,
                                     const pgbackrest::Pgbackrest& pgbackrest);

}  // namespace patroni_pgbackrest
