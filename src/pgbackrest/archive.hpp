#pragma once

#include "pgbackrest/archived_files.hpp"
#include "pgbackrest/command_line.hpp"
#include "pgbackrest/info.hpp"
#include "pgbackrest/retry.hpp"
#include "postgres/timeline_history.hpp"
#include "postgres/wal.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::pgbackrest {

/// The newest segment of a timeline, and when it was archived, in seconds since the epoch, if that is known.
struct LastSegment {
    std::string name;
    std::optional<std::int64_t> archived_at;
};

/// Timelines that were begun by restores of this node which Patroni gave up, and are followed only when they are named:
/// with the SHA-1 of the last segment in the archive, empty when there is none.
using RejectedTimelines = std::map<postgres::Timeline, std::string>;

/// What the history file in one repository tells, as_it_happened().
struct HistoryCopy {
    unsigned repository;
    postgres::TimelineHistory history;
};

/// The content of the archive, over all repositories that have this archive id.
struct ArchiveContent {
    ArchivedFiles segments;
    /// Segments that were begun only, by their names without `.partial`: written when a standby is promoted.
    std::map<std::string, ArchivedFile> partials;
    /// The segments of which there are files with other content. pgBackRest delivers none of them ([045]).
    std::map<std::string, std::vector<ArchivedFile>> contradictions;
    std::map<postgres::Timeline, LastSegment> last_segments;
    std::map<postgres::Timeline, postgres::TimelineHistory> histories;  ///< those that are whole, as_it_happened()
    std::map<postgres::Timeline, std::vector<HistoryCopy>>
        history_copies;                                          ///< the same, and those of other repositories
    std::set<postgres::Timeline> named_timelines;                ///< as parents, in the histories
    std::map<postgres::Timeline, std::string> broken_histories;  ///< why they are not
    std::map<postgres::Timeline, std::string> directories;       ///< of WAL: the last one of each timeline
    RejectedTimelines rejected;
};

/// The names in a `repo-ls --output=json` listing, with their modification times (0 if there is none), and whether each
/// is a path.
struct Listed {
    std::string name;
    bool is_path;
    std::int64_t time;
};
/// Leaves out the entry `.` for the path itself, which pgBackRest lists even for a path that does not exist. Throws
/// Failure(repository_unreachable) if the text is not such JSON.
std::vector<Listed> parse_listing(std::string_view json);

/// Of an archive id's own directory. Throws Failure(repository_unreachable) if it had WAL, and nothing is listed: so
/// does a file system that is not mounted any more look.
void require_listed(const Archive& archive, const std::vector<Listed>& listed);

/// Lists `archive/<stanza>/<id>` with repo-ls (only the 16-digit directories that can hold `from` or later, on its
/// timeline or a later one, and the last one of each later timeline; with many of them all names at once), and reads
/// every history file with repo-get, from each repository that has it; the first one's counts, as it does for
/// archive-get. Works for encrypted repositories of every type. Retries errors that may pass; throws as failure_of()
/// for the rest.
ArchiveContent read_archive(const Pgbackrest& pgbackrest, const std::vector<Archive>& archives,
                            const std::string& from_segment, const RetryPolicy& retry = {});

}  // namespace patroni_pgbackrest::pgbackrest
