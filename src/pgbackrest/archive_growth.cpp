#include "pgbackrest/archive_growth.hpp"

#include "pgbackrest/archive_names.hpp"
#include "pgbackrest/error_meaning.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace patroni_pgbackrest::pgbackrest {

namespace {

/// The last directory of each timeline; if there are many timelines, only the most recently written directories.
std::vector<std::string> last_directories(const ArchiveEnd& end) {
    constexpr std::size_t most = 4;
    std::vector<LastSegment> last;
    for (const auto& [timeline, segment] : end.last_segments) {
        last.push_back(segment);
    }
    std::sort(last.begin(), last.end(),
              [](const auto& one, const auto& other) { return one.archived_at > other.archived_at; });
    last.resize(std::min(last.size(), most));
    std::vector<std::string> directories;
    for (const auto& segment : last) {
        directories.push_back(segment.name.substr(0, directory_digits));
    }
    return directories;
}

}  // namespace

/// A timeline before the backup's own has no segment here, and is no news.
bool ArchiveEnd::has_begun_since(const std::string& name) const {
    const auto timeline = timeline_of(name);
    const auto known = directories.find(timeline);
    return histories.contains(timeline) && !last_segments.empty() && timeline > last_segments.begin()->first &&
           (known == directories.end() || known->second < name);
}

std::optional<std::string> ArchiveEnd::first_behind(const std::vector<Listed>& listed) const {
    for (const auto& entry : listed) {
        const bool directory = entry.is_path && is_directory_name(entry.name);
        const bool segment = !entry.is_path && is_segment_file(entry.name);
        if (directory || segment) {
            const auto name = entry.name.substr(0, directory ? directory_digits : segment_digits);
            const auto last = last_segments.find(timeline_of(name));
            if (last != last_segments.end() ? name > last->second.name.substr(0, name.size()) : has_begun_since(name)) {
                return name;
            }
        } else if (!entry.is_path && postgres::is_history_name(entry.name) &&
                   !histories.contains(timeline_of(entry.name))) {
            return entry.name;
        }
    }
    return std::nullopt;
}

GrowthQuery::GrowthQuery(const Pgbackrest& pgbackrest, ArchiveEnd end) : end_(std::move(end)) {
    for (const auto& archive : end_.archives) {
        const auto top = fmt::format("archive/{}/{}", pgbackrest.stanza, archive.id);
        std::vector<std::string> paths{top};
        for (const auto& directory : last_directories(end_)) {
            paths.push_back(top + "/" + directory);
        }
        for (const auto& path : paths) {
            auto command = pgbackrest.data_command(
                "repo-ls", {{"repo", std::to_string(archive.repository)}, {"output", "json"}}, {path});
            auto running = std::make_unique<process::Capturing>(command);
            listings_.push_back(
                {path, std::move(command), std::move(running), path == top ? std::optional(archive) : std::nullopt});
        }
    }
}

std::optional<std::string> GrowthQuery::answer(const RetryPolicy& retry) {
    Retries retries(retry);
    for (const auto& listing : listings_) {
        auto result = listing.running->result();
        while (!process::succeeded(result.outcome)) {
            if (!may_pass(result.outcome, errors_of(result)) || !retries.another(what_happened(result.outcome))) {
                throw failure_of("listing of " + listing.path, result.outcome, errors_of(result));
            }
            result = process::capture(listing.command);
        }
        const auto listed = parse_listing(result.output);
        if (listing.archive) {
            require_listed(*listing.archive, listed);
        }
        if (auto found = end_.first_behind(listed)) {
            return found;
        }
    }
    return std::nullopt;
}

}  // namespace patroni_pgbackrest::pgbackrest
