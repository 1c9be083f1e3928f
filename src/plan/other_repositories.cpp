#include "plan/other_repositories.hpp"

#include "pgbackrest/archive.hpp"
#include "pgbackrest/archive_names.hpp"
#include "pgbackrest/configuration_files.hpp"
#include "system/log.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <optional>
#include <variant>

namespace patroni_pgbackrest {

namespace {

/// For each of three questions, from when nothing else is to be done.
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

/// pgBackRest drops a number of which only options of other commands are set (phase 6 of cfgParse).
bool is_no_repository(const process::Captured& result) {
    constexpr int invalid_value = 32;
    const auto* exited = std::get_if<process::Exited>(&result.outcome);
    return exited != nullptr && exited->code == invalid_value;
}

void warn_of(unsigned repository, unsigned asked) {
    log::warning("repo{} did not answer: whether timelines are known there that repo{} does not have is not looked at, "
                 "and archive-push will write into it as well",
                 repository, asked);
}

/// archive-push fails until it has the stanza, so a cluster that works does not archive into such a one.
void warn_of_missing_stanza(unsigned repository, unsigned asked, const pgbackrest::Pgbackrest& pgbackrest) {
    log::write(Problem{fmt::format("repo{} does not have stanza {}: whether timelines are known there that repo{} does "
                                   "not have is not looked at",
                                   repository, pgbackrest.stanza, asked),
                       fmt::format("mount it, or correct its path, if WAL was archived into it; else, since "
                                   "archive-push fails until then, run beside the restored cluster, or on the "
                                   "repository's host where it has one: {}",
                                   pgbackrest::as_typed(pgbackrest.command("stanza-create")))},
               log::Level::warning);
}

/// Empty when it does not answer in time, or says that it is out of reach.
std::optional<pgbackrest::Stanza> stanza_of(process::Capturing& info, const std::string& name,
                                            std::chrono::steady_clock::time_point until) {
    const auto output = output_of(info, until);
    if (!output) {
        return info.is_done() && is_no_repository(info.result()) ? std::optional(pgbackrest::Stanza()) : std::nullopt;
    }
    const auto stanza = pgbackrest::parse_info(*output, name);
    const bool is_away = std::any_of(stanza.repositories.begin(), stanza.repositories.end(), [](const auto& status) {
        return status.code == pgbackrest::RepositoryStatus::out_of_reach;
    });
    return is_away ? std::nullopt : std::optional(stanza);
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

/// Empty when it is no history.
std::optional<postgres::TimelineHistory> parsed_history(postgres::Timeline timeline, const std::string& text) {
    try {
        return postgres::TimelineHistory::parse(timeline, text).as_it_happened();
    } catch (const Failure&) {
        return std::nullopt;
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
    if (!request.repository) {
        return;
    }
    for (const unsigned number : pgbackrest::configured_repositories(request.pgbackrest)) {
        if (number != *request.repository) {
            info_[number] = std::make_unique<process::Capturing>(
                request.pgbackrest.data_command("info", {{"repo", std::to_string(number)}, {"output", "json"}}));
        }
    }
}

std::vector<ArchiveElsewhere> OtherRepositories::answer(const Cluster& cluster) {
    const auto& pgbackrest = request_.pgbackrest;
    std::vector<ArchiveElsewhere> found;
    std::vector<std::unique_ptr<process::Capturing>> listings;
    auto until = std::chrono::steady_clock::now() + patience;
    for (const auto& [number, info] : info_) {
        const auto stanza = stanza_of(*info, pgbackrest.stanza, until);
        if (!stanza) {
            warn_of(number, *request_.repository);
            continue;
        }
        if (pgbackrest::RepositoryStatus::lacks_stanza(stanza->status_code)) {
            warn_of_missing_stanza(number, *request_.repository, pgbackrest);
        }
        for (const auto& archive : archives_of(cluster, *stanza)) {
            found.push_back({number, fmt::format("archive/{}/{}", pgbackrest.stanza, archive.id), archive.last});
            listings.push_back(std::make_unique<process::Capturing>(pgbackrest.data_command(
                "repo-ls", {{"repo", std::to_string(number)}, {"output", "json"}}, {found.back().path})));
        }
    }
    info_.clear();
    until = std::chrono::steady_clock::now() + patience;
    for (std::size_t index = 0; index < found.size(); ++index) {
        if (const auto listing = output_of(*listings[index], until)) {
            take_timelines(*listing, found[index]);
        } else {
            warn_of(found[index].repository, *request_.repository);
        }
    }
    return found;
}

std::vector<std::string> other_pasts(const postgres::TimelineHistory& followed,
                                     const std::vector<ArchiveElsewhere>& elsewhere,
                                     const pgbackrest::Pgbackrest& pgbackrest) {
    const auto file = followed.timeline.history_file();
    std::vector<std::pair<unsigned, std::unique_ptr<process::Capturing>>> asked;
    for (const auto& other : elsewhere) {
        if (other.histories.contains(followed.timeline)) {
            asked.emplace_back(other.repository, std::make_unique<process::Capturing>(pgbackrest.data_command(
                                                     "repo-get", {{"repo", std::to_string(other.repository)}},
                                                     {other.path + "/" + file})));
        }
    }
    std::vector<std::string> warnings;
    const auto until = std::chrono::steady_clock::now() + patience;
    for (const auto& [repository, query] : asked) {
        const auto text = output_of(*query, until);
        if (!text) {
            warnings.push_back(
                fmt::format("repo{} did not answer: whether its {} tells the same is not looked at", repository, file));
            continue;
        }
        const auto history = parsed_history(followed.timeline, *text);
        const auto* fork = history ? history->fork_unlike(followed) : nullptr;
        const auto* own = history ? followed.fork_unlike(*history) : nullptr;
        if (fork != nullptr && own != nullptr) {
            warnings.push_back(
                fmt::format("repo{} holds another branch as timeline {}: its {} says that timeline {} "
                            "was left at {}, the one that is followed says that timeline {} was left at {}",
                            repository, followed.timeline.text(), file, fork->parent.text(), fork->at.text(),
                            own->parent.text(), own->at.text()));
        }
    }
    return warnings;
}

}  // namespace patroni_pgbackrest
