#include "staging/old_wal.hpp"

#include "pgbackrest/archive_names.hpp"
#include "postgres/control_data.hpp"
#include "postgres/living_server.hpp"
#include "postgres/segment_facts.hpp"
#include "staging/fate.hpp"
#include "staging/journal.hpp"
#include "staging/layout.hpp"
#include "system/file.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace patroni_pgbackrest {

namespace {

namespace fs = std::filesystem;
using postgres::Segment;
using postgres::SegmentSize;
using postgres::Timeline;
using postgres::WalPage;

/// What this program made for a data directory.
class OurDirectories {
  public:
    OurDirectories(const fs::path& data_directory, const std::optional<patroni::Configuration>& patroni)
        : patroni_(patroni) {
        std::error_code error;
        data_directory_ = fs::weakly_canonical(system::without_last_slash(data_directory), error);
        for (const auto& file : journals_of(data_directory)) {
            staging_.push_back(file.parent_path().replace_extension());
            try {
                if (auto journal = Journal::read(file)) {
                    journals_.push_back(std::move(*journal));
                }
            } catch (const Failure&) {
                // Whoever needs the journal says that it is damaged.
            }
        }
    }

    /// What was handed over belongs to its cluster if it led. What Patroni gave up is nobody's, wherever its content is
    /// by now; of what is not known nobody may be told to archive it.
    bool contain(const fs::path& directory) const {
        const auto name = data_directory_.filename().string();
        return std::find(staging_.begin(), staging_.end(), directory) != staging_.end() ||
               is_named_given_up(directory.filename().string(), name) ||
               std::any_of(journals_.begin(), journals_.end(), [&](const Journal& journal) {
                   return (journal.handed_over_is(directory) || journal.is_copied_to(directory)) &&
                          fate_of(journal, directory, name, patroni_) != Fate::led;
               });
    }

  private:
    fs::path data_directory_;
    std::vector<fs::path> staging_;
    std::vector<Journal> journals_;
    const std::optional<patroni::Configuration>& patroni_;
};

/// Links resolved, each once.
std::set<fs::path> candidates(const fs::path& data_directory) {
    std::set<fs::path> found;
    std::error_code error;
    const auto add = [&](const fs::path& directory) {
        const auto resolved = fs::canonical(directory, error);
        if (!error) {
            found.insert(resolved);
        }
    };
    const auto resolved = fs::weakly_canonical(data_directory, error);
    add(data_directory);
    for (const auto& parent : {data_directory.parent_path(), resolved.parent_path()}) {
        for (const auto& entry : local_entries(parent)) {
            add(entry);
        }
    }
    for (const auto& entry : local_entries(resolved)) {
        if (entry.filename().string().starts_with('.')) {
            add(entry);
        }
    }
    return found;
}

/// The archiver's: `.ready` before, `.done` after it has archived the segment.
bool has_mark(const fs::path& archive_status, const std::string& segment) {
    return system::is_present(archive_status / (segment + ".ready")) ||
           system::is_present(archive_status / (segment + ".done"));
}

std::optional<WalPage> first_page(const fs::path& file) {
    const auto bytes = system::read_head(file, WalPage::long_header_size).bytes;
    return bytes.size() == WalPage::long_header_size ? WalPage::read(bytes) : std::nullopt;
}

/// That the newest of the cluster's files tells: pg_resetwal may have changed it. Empty when none does.
std::optional<SegmentSize> segment_size_in(const fs::path& pg_wal, const std::vector<std::string>& names,
                                           const std::string& system_identifier) {
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
        const auto page = postgres::is_segment_name(*name) ? first_page(pg_wal / *name) : std::nullopt;
        if (page && page->file && page->file->system_identifier == system_identifier) {
            return page->file->segment_size;
        }
    }
    return std::nullopt;
}

/// A new timeline begins with a copy of its parent's segment up to the fork, the first page included.
bool may_be_of(const Segment& segment, Timeline timeline, const OldWal& wal, SegmentSize size) {
    if (segment.timeline == timeline) {
        return true;
    }
    const auto history = wal.histories.find(segment.timeline);
    return history != wal.histories.end() && !history->second.forks.empty() &&
           history->second.forks.back().parent == timeline &&
           history->second.forks.back().at.value / size.bytes == segment.number;
}

bool is_written(const fs::path& file, const Segment& segment, const std::string& system_identifier, const OldWal& wal,
                SegmentSize size) {
    const auto page = first_page(file);
    return page && page->file && page->file->system_identifier == system_identifier &&
           page->file->segment_size == size && page->address == segment.start(size) &&
           may_be_of(segment, page->timeline, wal, size);
}

bool holds_commit(const fs::path& file, const Segment& segment, const std::string& system_identifier,
                  SegmentSize size) {
    const auto bytes = system::read_file(file);
    return postgres::facts_of_segment(segment.number, bytes, {size, segment.timeline, system_identifier})
        .last_commit.has_value();
}

}  // namespace

std::map<Timeline, postgres::TimelineHistory> histories_in(const fs::path& pg_wal) {
    std::map<Timeline, postgres::TimelineHistory> histories;
    for (const auto& name : system::entries(pg_wal)) {
        if (!postgres::is_history_name(name)) {
            continue;
        }
        const auto timeline = pgbackrest::timeline_of(name);
        try {
            histories.emplace(
                timeline,
                postgres::TimelineHistory::parse(timeline, system::read_file(pg_wal / name)).as_it_happened());
        } catch (const Failure& failure) {
            if (failure.code() == ExitCode::system_refused) {
                throw;
            }
            // PostgreSQL would not follow it either.
        }
    }
    return histories;
}

std::vector<fs::path> old_data_directories(const fs::path& data_directory, const std::string& system_identifier,
                                           const std::optional<patroni::Configuration>& patroni) {
    const OurDirectories ours(data_directory, patroni);
    std::vector<fs::path> found;
    for (const auto& directory : candidates(data_directory)) {
        const auto control = postgres::read_control_file(directory);
        if (control && control->system_identifier == system_identifier && !ours.contain(directory) &&
            !postgres::living_server(directory)) {
            found.push_back(directory);
        }
    }
    return found;
}

OldWal read_old_wal(const fs::path& data_directory, const std::string& system_identifier, const Segment& from,
                    const pgbackrest::ArchivedFiles& archived, SegmentSize size) {
    OldWal wal;
    wal.data_directory = data_directory;
    const auto directory = data_directory / "pg_wal";
    try {
        const auto names = system::entries(directory);
        if (const auto found = segment_size_in(directory, names, system_identifier); found && *found != size) {
            wal.why_unknown = fmt::format("its WAL segments have {} MiB, and those of the archive {} MiB",
                                          found->bytes >> 20, size.bytes >> 20);
            return wal;
        }
        wal.histories = histories_in(directory);
        for (const auto& name : names) {
            const auto segment = Segment::parse(name, size);
            if (!segment || segment->timeline < from.timeline || segment->number < from.number ||
                archived.contains(name) || !is_written(directory / name, *segment, system_identifier, wal, size)) {
                continue;
            }
            const bool is_complete = has_mark(directory / "archive_status", name);
            wal.segments.push_back({*segment, is_complete,
                                    !is_complete && holds_commit(directory / name, *segment, system_identifier, size)});
        }
    } catch (const Failure& failure) {
        wal.why_unknown = failure.what();
    }
    return wal;
}

}  // namespace patroni_pgbackrest
