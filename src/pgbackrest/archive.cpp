#include "pgbackrest/archive.hpp"

#include "pgbackrest/archive_names.hpp"
#include "pgbackrest/error_meaning.hpp"
#include "pgbackrest/printable.hpp"
#include "system/text.hpp"
#include "system/whole_number.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <utility>

namespace patroni_pgbackrest::pgbackrest {

namespace {

/// How many pgBackRest processes run at once: enough to hide a repository's latency, too few to overload it.
constexpr std::size_t at_once = 4;

/// From this number of directories on one recursive listing takes less time than one of each.
constexpr std::size_t most_single_listings = 16;

struct Query {
    std::string what;  ///< for messages
    process::Command command;
    unsigned repository = 0;
    std::string path{};
};

/// Runs some queries at once and retries those that failed and may pass. Returns their outputs in order.
std::vector<std::string> run_some(const std::vector<Query>& queries, const RetryPolicy& retry) {
    std::vector<std::string> outputs(queries.size());
    std::vector<std::size_t> open(queries.size());
    for (std::size_t index = 0; index < queries.size(); ++index) {
        open[index] = index;
    }
    Retries retries(retry);
    while (!open.empty()) {
        std::vector<process::Command> commands;
        for (const std::size_t index : open) {
            commands.push_back(queries[index].command);
        }
        auto results = process::capture_all(commands);
        std::vector<std::size_t> failed;
        for (std::size_t position = 0; position < open.size(); ++position) {
            auto& result = results[position];
            if (process::succeeded(result.outcome)) {
                outputs[open[position]] = std::move(result.output);
            } else if (may_pass(result.outcome, errors_of(result))) {
                failed.push_back(position);
            } else {
                throw failure_of(queries[open[position]].what, result.outcome, errors_of(result));
            }
        }
        if (!failed.empty()) {
            const auto& first = results[failed.front()];
            if (!retries.another(what_happened(first.outcome))) {
                throw failure_of(queries[open[failed.front()]].what, first.outcome, errors_of(first));
            }
        }
        std::transform(failed.begin(), failed.end(), failed.begin(),
                       [&](std::size_t position) { return open[position]; });
        open = failed;
    }
    return outputs;
}

std::vector<std::string> run_all(const std::vector<Query>& queries, const RetryPolicy& retry) {
    std::vector<std::string> outputs;
    for (std::size_t start = 0; start < queries.size(); start += at_once) {
        const auto end = std::min(start + at_once, queries.size());
        for (std::string& output : run_some({queries.begin() + static_cast<std::ptrdiff_t>(start),
                                             queries.begin() + static_cast<std::ptrdiff_t>(end)},
                                            retry)) {
            outputs.push_back(std::move(output));
        }
    }
    return outputs;
}

Query listing(const Pgbackrest& pgbackrest, unsigned repository, const std::string& path) {
    return {fmt::format("listing of {} in repo{}", path, repository),
            pgbackrest.data_command("repo-ls", {{"repo", std::to_string(repository)}, {"output", "json"}}, {path}),
            repository, path};
}

/// The names of all that is below the path. As JSON the same takes pgBackRest a fifth longer, and the reader much more.
Query recursive_listing(const Pgbackrest& pgbackrest, unsigned repository, const std::string& path) {
    return {fmt::format("listing of all of {} in repo{}", path, repository),
            pgbackrest.data_command("repo-ls", {{"repo", std::to_string(repository)}, {"recurse"}}, {path}), repository,
            path};
}

Query content(const Pgbackrest& pgbackrest, unsigned repository, const std::string& path) {
    return {fmt::format("reading of {} in repo{}", path, repository),
            pgbackrest.data_command("repo-get", {{"repo", std::to_string(repository)}}, {path}), repository, path};
}

/// Compares both halves: on a later timeline, too, only segments from some position on matter: 00000002 00000005 for
/// 00000001 00000004.
bool can_hold(const std::string& directory, const std::string& from_segment) {
    return directory.substr(0, timeline_digits) >= from_segment.substr(0, timeline_digits) &&
           directory.substr(timeline_digits) >= from_segment.substr(timeline_digits, timeline_digits);
}

/// Listed together with the directory above it: it exists in all but odd cases, and is often the only one.
std::string first_directory(const std::string& from_segment) {
    return from_segment.substr(0, directory_digits);
}

void take_segment(const std::string& name, ArchivedFile file, std::optional<std::int64_t> time,
                  ArchiveContent& result) {
    auto& last = result.last_segments[timeline_of(name)];
    if (name > last.name) {
        last = {name, time};
    } else if (name == last.name) {
        last.archived_at = std::max(last.archived_at, time);  // an unknown time is less than any
    }
    if (result.segments.add(file)) {
        return;
    }
    const auto others = result.contradictions.find(name);
    if (others != result.contradictions.end()) {
        others->second.push_back(std::move(file));
    } else if (auto known = *result.segments.find(name); known.checksum() != file.checksum()) {
        result.contradictions[name] = {std::move(known), std::move(file)};
    }
}

/// `path` is what was listed, `name` is relative to it.
void take_file(unsigned repository, const std::string& path, std::string_view name, std::optional<std::int64_t> time,
               ArchiveContent& result) {
    const std::string file(name.substr(name.rfind('/') + 1));  // npos + 1 is 0
    if (is_segment_file(file)) {
        take_segment(file.substr(0, segment_digits), {repository, fmt::format("{}/{}", path, name)}, time, result);
    } else if (is_partial_file(file)) {
        result.partials.try_emplace(file.substr(0, segment_digits),
                                    ArchivedFile{repository, fmt::format("{}/{}", path, name)});
    }
}

void take_listing(const Query& query, const std::string& output, ArchiveContent& result) {
    for (const Listed& entry : parse_listing(output)) {
        if (!entry.is_path) {
            take_file(query.repository, query.path, entry.name, entry.time, result);
        }
    }
}

void take_names(const Query& query, std::string_view output, ArchiveContent& result) {
    while (!output.empty()) {
        const auto end = std::min(output.find('\n'), output.size());
        take_file(query.repository, query.path, output.substr(0, end), std::nullopt, result);
        output.remove_prefix(std::min(end + 1, output.size()));
    }
}

/// What to ask for next, after the listings of the archive ids' top directories.
struct Found {
    std::vector<Query> whole;  ///< recursive
    std::vector<Query> directories;
    std::vector<Query> histories;               ///< of each repository
    std::vector<postgres::Timeline> timelines;  ///< of the histories, in their order
};

/// Of each timeline.
std::map<postgres::Timeline, std::string> last_directories(const std::vector<Listed>& listed) {
    std::map<postgres::Timeline, std::string> last;
    for (const Listed& entry : listed) {
        if (entry.is_path && is_directory_name(entry.name)) {
            auto& name = last[timeline_of(entry.name)];
            name = std::max(name, entry.name);
        }
    }
    return last;
}

/// The directories of one archive id that are needed, but for the one that is listed with it.
std::vector<std::string> needed_directories(const std::vector<Listed>& listed,
                                            const std::map<postgres::Timeline, std::string>& last,
                                            const std::string& from_segment) {
    std::vector<std::string> needed;
    for (const Listed& entry : listed) {
        if (!entry.is_path || !is_directory_name(entry.name) || entry.name == first_directory(from_segment)) {
            continue;
        }
        const auto timeline = timeline_of(entry.name);
        if (can_hold(entry.name, from_segment) ||
            (timeline > timeline_of(from_segment) && entry.name == last.at(timeline))) {
            needed.push_back(entry.name);
        }
    }
    return needed;
}

void look_through(const Pgbackrest& pgbackrest, const Archive& archive, const std::string& path,
                  const std::vector<Listed>& listed, const std::string& from_segment, ArchiveContent& result,
                  Found& found) {
    const auto last_of = last_directories(listed);
    for (const auto& [timeline, name] : last_of) {
        auto& last = result.directories[timeline];
        last = std::max(last, name);
    }
    for (const Listed& entry : listed) {
        const bool is_known = std::any_of(found.histories.begin(), found.histories.end(), [&](const Query& query) {
            return query.repository == archive.repository && query.path.ends_with("/" + entry.name);
        });
        if (!entry.is_path && postgres::is_history_name(entry.name) && !is_known) {
            found.histories.push_back(content(pgbackrest, archive.repository, path + "/" + entry.name));
            found.timelines.push_back(timeline_of(entry.name));
        }
    }
    auto needed = needed_directories(listed, last_of, from_segment);
    if (needed.size() > most_single_listings) {
        found.whole.push_back(recursive_listing(pgbackrest, archive.repository, path));
        // For when the last segments were archived.
        std::erase_if(needed, [&](const auto& name) { return name != last_of.at(timeline_of(name)); });
    }
    for (const auto& name : needed) {
        found.directories.push_back(listing(pgbackrest, archive.repository, path + "/" + name));
    }
}

/// PostgreSQL ends each line with a line feed, and writes at least one (writeTimeLineHistory).
void take_history(unsigned repository, postgres::Timeline timeline, const std::string& text, ArchiveContent& result) {
    if (result.broken_histories.contains(timeline)) {
        return;  // the first one counts
    }
    std::string why_broken;
    try {
        const auto history = postgres::TimelineHistory::parse(timeline, text);
        if (history.forks.empty()) {
            why_broken = timeline.history_file() + " names no parent";
        } else if (text.back() != '\n') {
            why_broken = timeline.history_file() + " ends in the middle of a line";
        } else {
            const auto past = history.as_it_happened();
            result.histories.try_emplace(timeline, past);
            result.history_copies[timeline].push_back({repository, past});
            for (const auto& fork : history.forks) {
                result.named_timelines.insert(fork.parent);
            }
        }
    } catch (const Failure& failure) {
        why_broken = failure.what();
    }
    if (!result.histories.contains(timeline)) {
        result.broken_histories[timeline] = why_broken;
    }
}

/// The repositories in turn, and in each the newest archive id first (archiveGetFind in get.c; infoPgArchiveId counts
/// from the newest).
std::vector<Archive> as_archive_get_looks(std::vector<Archive> archives) {
    std::stable_sort(archives.begin(), archives.end(), [](const Archive& left, const Archive& right) {
        return left.repository != right.repository ? left.repository < right.repository
                                                   : left.database_id > right.database_id;
    });
    return archives;
}

Found read_top(const Pgbackrest& pgbackrest, const std::vector<Archive>& archives, const std::string& from_segment,
               const RetryPolicy& retry, ArchiveContent& result) {
    std::vector<Query> queries;
    std::vector<std::string> paths;
    for (const Archive& archive : archives) {
        paths.push_back(fmt::format("archive/{}/{}", pgbackrest.stanza, archive.id));
        queries.push_back(listing(pgbackrest, archive.repository, paths.back()));
    }
    for (std::size_t index = 0; index < archives.size(); ++index) {
        queries.push_back(
            listing(pgbackrest, archives[index].repository, paths[index] + "/" + first_directory(from_segment)));
    }
    const auto outputs = run_all(queries, retry);
    Found found;
    for (std::size_t index = 0; index < archives.size(); ++index) {
        const auto listed = parse_listing(outputs[index]);
        require_listed(archives[index], listed);
        look_through(pgbackrest, archives[index], paths[index], listed, from_segment, result, found);
        take_listing(queries[archives.size() + index], outputs[archives.size() + index], result);
    }
    return found;
}

}  // namespace

ArchiveContent read_archive(const Pgbackrest& pgbackrest, const std::vector<Archive>& archives,
                            const std::string& from_segment, const RetryPolicy& retry) {
    ArchiveContent result;
    const auto found = read_top(pgbackrest, as_archive_get_looks(archives), from_segment, retry, result);

    auto queries = found.whole;
    queries.insert(queries.end(), found.directories.begin(), found.directories.end());
    queries.insert(queries.end(), found.histories.begin(), found.histories.end());
    auto outputs = run_all(queries, retry);

    const auto first_directory = found.whole.size(), first_history = first_directory + found.directories.size();
    for (std::size_t index = 0; index < first_directory; ++index) {
        take_names(queries[index], std::exchange(outputs[index], {}), result);  // megabytes: no longer than needed
    }
    for (std::size_t index = first_directory; index < first_history; ++index) {
        take_listing(queries[index], outputs[index], result);
    }
    for (std::size_t index = first_history; index < outputs.size(); ++index) {
        take_history(queries[index].repository, found.timelines[index - first_history], outputs[index], result);
    }
    return result;
}

void require_listed(const Archive& archive, const std::vector<Listed>& listed) {
    if (!archive.last.empty() && listed.empty()) {
        throw Failure(ExitCode::repository_unreachable,
                      fmt::format("archive {} of repo{} is empty, and had WAL to {} before", archive.id,
                                  archive.repository, archive.last),
                      "bring the repository back, see whether it is mounted; the next run continues");
    }
}

std::vector<Listed> parse_listing(std::string_view text) {
    using nlohmann::json;
    std::vector<Listed> result;
    try {
        const auto document = json::parse(printable(text));
        for (const auto& entry : document.get_ref<const json::object_t&>()) {
            if (entry.first == ".") {
                continue;
            }
            result.push_back({entry.first, entry.second.at("type").get<std::string>() == "path",
                              system::whole_number(entry.second, "time", std::int64_t{0})});
        }
    } catch (const json::exception& error) {
        throw Failure(ExitCode::repository_unreachable,
                      std::string("pgbackrest repo-ls printed what is not its JSON: ") + error.what(),
                      "run pgbackrest repo-ls --output=json as the user that runs Patroni and see what it prints");
    }
    return result;
}

}  // namespace patroni_pgbackrest::pgbackrest
