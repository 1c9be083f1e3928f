#include "staging/unarchived_wal.hpp"

#include "postgres/configuration.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace patroni_pgbackrest {

namespace {

using postgres::Segment;
using postgres::SegmentSize;
using postgres::Timeline;
using postgres::TimelineHistory;

using Histories = std::map<Timeline, TimelineHistory>;

bool is_behind_fork(const Segment& segment, const Histories& histories, SegmentSize size) {
    return std::any_of(histories.begin(), histories.end(), [&](const auto& entry) {
        const auto* fork = entry.second.fork_from(segment.timeline);
        return fork != nullptr && segment.number >= fork->at.value / size.bytes;
    });
}

bool have_same_forks(const TimelineHistory& one, const TimelineHistory& other) {
    return std::equal(one.forks.begin(), one.forks.end(), other.forks.begin(), other.forks.end(),
                      postgres::is_same_place);
}

/// Whether both have a timeline of that number, and it is not the same one.
bool is_number_of_another(Timeline timeline, const Histories& old, const Histories& archived) {
    const auto ours = old.find(timeline);
    const auto theirs = archived.find(timeline);
    return ours != old.end() && theirs != archived.end() && !have_same_forks(ours->second, theirs->second);
}

bool has_anything_of(const pgbackrest::ArchiveContent& archive, Timeline timeline) {
    return archive.last_segments.contains(timeline) || archive.directories.contains(timeline) ||
           archive.broken_histories.contains(timeline);
}

/// `A to C`, each timeline by itself.
std::vector<std::string> ranges_of(const std::vector<OldSegment>& segments, SegmentSize size) {
    std::vector<std::string> ranges;
    for (auto first = segments.begin(); first != segments.end();) {
        auto last = first;
        while (last + 1 != segments.end() && (last + 1)->segment == last->segment.next()) {
            ++last;
        }
        ranges.push_back(first == last ? first->segment.name(size)
                                       : fmt::format("{} to {}", first->segment.name(size), last->segment.name(size)));
        first = last + 1;
    }
    return ranges;
}

std::string push_command(const std::filesystem::path& data_directory, const pgbackrest::Pgbackrest& pgbackrest) {
    // An asynchronous push takes only what has a mark in archive_status, and the last segment has none.
    const auto command =
        pgbackrest.command("archive-push", {{"pg1-path", data_directory.string()}, {"no-archive-async"}});
    return pgbackrest::as_typed(command) + " " + system::shell_word((data_directory / "pg_wal").string()) + "/$wal";
}

}  // namespace

std::vector<std::string> UnarchivedWal::names(SegmentSize size) const {
    std::vector<std::string> names;
    for (const auto timeline : histories) {
        names.push_back(timeline.history_file());
    }
    for (const auto& segment : segments) {
        names.push_back(segment.segment.name(size));
    }
    return names;
}

UnarchivedWal unarchived_wal(const OldWal& wal, const pgbackrest::ArchiveContent& archive, SegmentSize size) {
    UnarchivedWal unarchived;
    for (const auto& segment : wal.segments) {
        const auto timeline = segment.segment.timeline;
        if ((segment.is_complete || segment.holds_commit) &&
            !is_number_of_another(timeline, wal.histories, archive.histories) &&
            !is_behind_fork(segment.segment, archive.histories, size) &&
            !is_behind_fork(segment.segment, wal.histories, size)) {
            unarchived.segments.push_back(segment);
        }
    }
    const auto is_needed = [&](Timeline timeline) {
        return std::any_of(unarchived.segments.begin(), unarchived.segments.end(), [&](const auto& segment) {
            const auto history = wal.histories.find(segment.segment.timeline);
            return segment.segment.timeline == timeline ||
                   (history != wal.histories.end() && history->second.fork_from(timeline) != nullptr);
        });
    };
    for (const auto& [timeline, history] : wal.histories) {
        if (!archive.histories.contains(timeline) && (is_needed(timeline) || has_anything_of(archive, timeline))) {
            unarchived.histories.push_back(timeline);
        }
    }
    return unarchived;
}

Problem problem_of(const OldWal& wal, const UnarchivedWal& unarchived, const pgbackrest::Pgbackrest& pgbackrest,
                   SegmentSize size) {
    constexpr std::size_t most_to_name = 64;
    const auto& segments = unarchived.segments;
    std::vector<std::string> texts;
    for (const auto timeline : unarchived.histories) {
        texts.push_back(timeline.history_file());
    }
    const auto ranges = ranges_of(segments, size);
    texts.insert(texts.end(), ranges.begin(), ranges.end());
    const bool is_unfinished = !segments.empty() && !segments.back().is_complete;

    const auto names = unarchived.names(size);
    const bool all = names.size() <= most_to_name;
    return {
        fmt::format("{} has WAL of this cluster that the archive does not have: {}{}; a restore cannot bring back what "
                    "was committed in it",
                    wal.data_directory.string(), system::join(texts, ", "),
                    is_unfinished ? ", the last segment unfinished" : ""),
        fmt::format("bring it into the archive first, as the user that PostgreSQL runs as, {}: for wal in {}; do {} || "
                    "break; done",
                    all ? "in this order" : fmt::format("all {} of them, oldest first", names.size()),
                    all ? system::join(names, " ") : names.front() + " … " + names.back(),
                    push_command(wal.data_directory, pgbackrest))};
}

std::vector<Problem> find_unarchived_wal(const Request& request, const RepositoryState& repository) {
    const auto& stanza = repository.stanza;
    const auto backup = backup_of(request, repository);
    const auto size = pgbackrest::segment_size_of(backup).value_or(stanza.segment_size);
    const auto from = Segment::parse(backup.archive_start, size);
    if (!from) {
        return {};
    }
    const auto& identifier = database_of(stanza, backup).system_identifier;
    std::vector<Problem> problems;
    for (const auto& directory : old_data_directories(request.data_directory, identifier, request.patroni)) {
        const auto wal = read_old_wal(directory, identifier, *from, repository.archive.segments, size);
        const auto unarchived = unarchived_wal(wal, repository.archive, size);
        if (!wal.why_unknown.empty()) {
            problems.push_back(
                {fmt::format("{} is of this cluster, and nobody knows whether it has WAL that the archive "
                             "does not have: {}",
                             directory.string(), wal.why_unknown),
                 "look into its pg_wal, or remove the directory if nobody needs it"});
        } else if (!unarchived.segments.empty() || !unarchived.histories.empty()) {
            problems.push_back(problem_of(wal, unarchived, request.pgbackrest, size));
        }
    }
    return problems;
}

std::optional<std::uint64_t> segments_not_archived(const std::filesystem::path& data_directory) {
    const auto marks = data_directory / "pg_wal" / "archive_status";
    std::error_code error;
    if (std::filesystem::exists(data_directory / "standby.signal", error) ||
        !std::filesystem::is_directory(marks, error)) {
        return std::nullopt;
    }
    std::uint64_t waiting = 0;
    std::filesystem::directory_iterator entry(marks, error);
    for (const std::filesystem::directory_iterator end; !error && entry != end; entry.increment(error)) {
        const auto name = entry->path().filename();
        waiting += name.extension() == ".ready" && postgres::is_segment_name(name.stem().string()) ? 1U : 0U;
    }
    return error ? std::nullopt : std::optional(waiting);
}

}  // namespace patroni_pgbackrest
