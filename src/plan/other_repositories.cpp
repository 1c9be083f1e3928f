#include "plan/other_repositories.hpp"

#include "pgbackrest/archive.hpp"
#include "pgbackrest/archive_names.hpp"
#include "system/log.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <optional>

namespace patroni_pgbackrest {

namespace {

/// For each of two questions, from when nothing else is to be done.
constexpr std::chrono::seconds patience(5);

/// Empty when it is not there in time.
std::optional<std::string> output_of(process::Capturing& query, std::chrono::steady_clock::time_point until) {
    while (!query.is_done()) {
        if (std::chrono::steady_clock::now() >= until) {
            return std::nullopt;
        }
    }
    const auto& result = query.result();
    return process::succeeded(result.outcome) ? std::optional(result.output) : std::nullopt;
}

void warn_of(const std::string& which, unsigned repository) {
    log::warning("{} did not answer: whether timelines are known there that repo{} does not have is not looked at, and "
                 "archive-push will write into it as well",
                 which, repository);
}

void take_timelines(const std::string& listing, ArchiveElsewhere& archive) {
    for (const auto& entry : pgbackrest::parse_listing(listing)) {
        const auto timeline = pgbackrest::timeline_of(entry.name);
        if (entry.is_path && pgbackrest::is_directory_name(entry.name)) {
            archive.timelines.insert(timeline);
        } else if (!entry.is_path && postgres::is_history_name(entry.name)) {
            archive.timelines.insert(timeline);
            archive.histories.insert(timeline);
        }
    }
}

/// The same cluster as another repository knows it.
std::vector<pgbackrest::Archive> archives_of(const Cluster& cluster, const pgbackrest::Stanza& stanza) {
    const auto clusters = clusters_in(stanza);
    const auto same = std::find_if(clusters.begin(), clusters.end(), [&](const auto& other) {
        return other.system_identifier == cluster.system_identifier && other.version == cluster.version;
    });
    return same == clusters.end() ? std::vector<pgbackrest::Archive>() : same->archives;
}

}  // namespace

OtherRepositories::OtherRepositories(const Request& request) : request_(request) {
    if (request.repository) {
        info_ = std::make_unique<process::Capturing>(request.pgbackrest.data_command("info", {{"output", "json"}}));
    }
}

std::vector<ArchiveElsewhere> OtherRepositories::answer(const Cluster& cluster) {
    if (!info_) {
        return {};
    }
    const auto& pgbackrest = request_.pgbackrest;
    const auto output = output_of(*info_, std::chrono::steady_clock::now() + patience);
    info_.reset();
    if (!output) {
        warn_of("the other repositories", *request_.repository);
        return {};
    }
    const auto stanza = pgbackrest::parse_info(*output, pgbackrest.stanza);
    for (const auto& repository : stanza.repositories) {
        constexpr int out_of_reach = 99;
        if (repository.key != *request_.repository && repository.code == out_of_reach) {
            warn_of(fmt::format("repo{}", repository.key), *request_.repository);
        }
    }
    std::vector<ArchiveElsewhere> found;
    std::vector<std::unique_ptr<process::Capturing>> listings;
    for (const auto& archive : archives_of(cluster, stanza)) {
        if (archive.repository != *request_.repository) {
            found.push_back(
                {archive.repository, fmt::format("archive/{}/{}", pgbackrest.stanza, archive.id), archive.last});
            listings.push_back(std::make_unique<process::Capturing>(pgbackrest.data_command(
                "repo-ls", {{"repo", std::to_string(archive.repository)}, {"output", "json"}}, {found.back().path})));
        }
    }
    const auto until = std::chrono::steady_clock::now() + patience;
    for (std::size_t index = 0; index < found.size(); ++index) {
        if (const auto listing = output_of(*listings[index], until)) {
            take_timelines(*listing, found[index]);
        } else {
            warn_of(fmt::format("repo{}", found[index].repository), *request_.repository);
        }
    }
    return found;
}

}  // namespace patroni_pgbackrest
