#include "staging/adoption.hpp"

#include "pgbackrest/backup_targets.hpp"
#include "postgres/control_data.hpp"
#include "postgres/living_server.hpp"
#include "staging/hard_links.hpp"
#include "staging/places.hpp"
#include "staging/rejected_directory.hpp"
#include "staging/set_aside.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/log.hpp"
#include "system/open_for_writing.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <system_error>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

struct Renamed {
    fs::path link;
    std::string end, original;
};

std::vector<Renamed> renamed(const fs::path& data_directory, const std::vector<std::string>& places) {
    std::vector<Renamed> found;
    for (const auto& link : links_of(data_directory)) {
        const auto end = end_of(link);
        if (std::find(places.begin(), places.end(), end) != places.end()) {
            continue;
        }
        for (const auto& original : places) {
            if (is_patronis_name(end, original)) {
                found.push_back({link, end, original});
            }
        }
    }
    return found;
}

bool is_taken(const fs::path& place) {
    std::error_code error;
    return fs::is_symlink(place, error) || !system::is_empty_or_absent(place);
}

/// The place first: a link that led to it before it is there would look as if nothing had been renamed.
void give_name_back(const Renamed& place) {
    std::error_code error;
    fs::rename(place.end, place.original, error);
    if (!error) {
        fs::remove(place.link, error);
        fs::create_symlink(place.original, place.link, error);
    }
    if (error) {
        throw Failure(ExitCode::unsafe,
                      fmt::format("{} cannot be renamed back to {}: {}", place.end, place.original, error.message()),
                      fmt::format("rename it yourself, and let {} lead there", place.link.string()));
    }
    log::info("{} is {} again", place.end, place.original);
}

/// Those that a link in the data directory leads to; what lies in the others is not its own.
Places linked_of(const Places& places, const fs::path& data_directory) {
    const auto ends = linked_places(data_directory).paths();
    std::vector<std::string> linked;
    for (const auto& place : places.paths()) {
        if (std::find(ends.begin(), ends.end(), place) != ends.end()) {
            linked.push_back(place);
        }
    }
    return Places(linked, places.births());
}

/// What may be refused comes first: a journal that names the places as ours allows --delta to clean them.
void adopt(StagingDirectory& staging, const Journal& journal, const fs::path& directory, const Places& places) {
    give_names_back(directory, places.paths());
    staging.journal() = journal;
    staging.journal().places = linked_of(places, directory);
    staging.enter(Phase::copying);
    std::error_code error;
    fs::remove(staging.path(), error);
    fs::rename(directory, staging.path(), error);
    if (error) {
        throw Failure(
            ExitCode::unsafe,
            fmt::format("{} cannot be renamed to {}: {}", directory.string(), staging.path().string(), error.message()),
            fmt::format("move {} away: the next run starts over", directory.string()));
    }
    system::sync_directory(staging.path().parent_path());
}

/// With the directories that its links lead to.
std::vector<fs::path> directories_of(const fs::path& data_directory) {
    std::vector<fs::path> directories{data_directory};
    for (const auto& link : links_of(data_directory)) {
        std::error_code error;
        if (const fs::path end = end_of(link); fs::is_directory(end, error)) {
            directories.push_back(end);
        }
    }
    return directories;
}

/// Whether somebody has said that a restore may write there.
bool is_named(const std::string& place, const std::vector<pgbackrest::Option>& options) {
    return std::any_of(options.begin(), options.end(), [&](const pgbackrest::Option& option) {
        return (option.name == "tablespace-map" || option.name == "link-map") &&
               fs::path(pgbackrest::name_and_place(option).second).lexically_normal() == place;
    });
}

}  // namespace

void take_back(StagingDirectory& staging, const fs::path& directory, const Plan& plan) {
    postgres::remove_stale_postmaster_file(directory);
    for (const auto& link : links_of(directory)) {
        if (const auto server = server_with_place(end_of(link))) {
            throw Failure(ExitCode::unsafe,
                          fmt::format("process {} of a PostgreSQL server has {}, where a link of {} leads", *server,
                                      end_of(link), directory.string()),
                          "stop that server");
        }
    }
    if (const auto shared = find_hard_link(directories_of(directory))) {
        throw Failure(ExitCode::unsafe, shared->message,
                      fmt::format("move {} away: the next run starts over; or {}", directory.string(), shared->hint));
    }
    auto journal = Journal::read(staging.layout().journal()).value_or(staging.journal());
    journal.rejected_timelines = still_rejected(journal, plan);
    if (!staging.journal().member.empty()) {
        journal.member = staging.journal().member;
    }
    // Patroni has renamed these, too.
    journal.places.add(made_places(directory));
    adopt(staging, journal, directory, journal.places);
    system::remove_file(staging.path() / "patroni.dynamic.json");  // Patroni's own: the source's was kept before
    system::remove_file(staging.path() / rejection_mark);
}

void reuse(StagingDirectory& staging, const fs::path& directory, const Plan& plan, const std::vector<fs::path>& outside,
           const std::vector<pgbackrest::Option>& options) {
    const auto refuse = [&](const std::string& why, const std::string& hint) {
        return Failure(ExitCode::unsafe, fmt::format("reuse-data {}: {}", directory.string(), why), hint);
    };
    std::error_code error;
    if (fs::is_symlink(system::without_last_slash(directory), error)) {
        throw refuse("it is a symbolic link, and only the link would be renamed: the data directory would be one then",
                     fmt::format("name what it leads to, {}, or leave reuse-data out",
                                 fs::weakly_canonical(directory, error).string()));
    }
    const auto control = postgres::read_control_file(directory);
    if (!control || control->system_identifier != plan.database.system_identifier) {
        throw refuse(!control ? "there is no pg_control in it"
                              : fmt::format("it belongs to another cluster (system identifier {}, not {})",
                                            control->system_identifier, plan.database.system_identifier),
                     "name a data directory of the cluster that is restored, or leave reuse-data out");
    }
    if (!system::same_file_system(directory, staging.layout().workspace)) {
        throw refuse("it is not on the file system of the data directory",
                     "move it there, or leave reuse-data out: everything is copied from the repository then");
    }
    const Places places({outside.begin(), outside.end()});
    std::vector<fs::path> written{directory};
    for (const auto& place : linked_of(places, directory).paths()) {
        if (const auto server = server_with_place(place)) {
            throw refuse(fmt::format("process {} has {} as its own, where a link of it leads", *server, place),
                         "stop that server, or leave reuse-data out");
        }
        if (!is_named(place, options)) {
            throw refuse(fmt::format("a link of it leads to {}, and what is there would be overwritten", place),
                         fmt::format("if that is not in use, say so with tablespace-map or link-map: NAME={}; or leave "
                                     "reuse-data out",
                                     place));
        }
        written.emplace_back(place);
    }
    if (const auto shared = find_hard_link(written)) {
        throw refuse(shared->message, "leave reuse-data out; or " + shared->hint);
    }
    // A server that is seen is waited for, or told, below. One that is not would end without its postmaster.pid.
    const auto in_use = postgres::living_server(directory) ? std::nullopt : system::find_open_for_writing(written);
    if (in_use) {
        throw refuse(fmt::format("{} is open for writing: a server that works there is not seen here, as in another "
                                 "container",
                                 in_use->string()),
                     "stop what has it open, or leave reuse-data out");
    }
    postgres::remove_stale_postmaster_file(directory);
    auto journal = staging.journal();
    journal.system_identifier = plan.database.system_identifier;
    journal.rejected_timelines = still_rejected(Journal::read(staging.layout().journal()), plan);
    adopt(staging, journal, directory, places);
    system::remove_file(staging.path() / made_places_file);  // of another restore
}

void give_names_back(const fs::path& data_directory, const std::vector<std::string>& places) {
    const auto all = renamed(data_directory, places);
    for (const auto& place : all) {
        if (is_taken(place.original)) {
            throw Failure(
                ExitCode::unsafe,
                fmt::format("{} cannot get its name {} back, which is taken", place.end, place.original),
                fmt::format("move away what is in it if it is not needed, or move {} away: the next run starts over",
                            data_directory.string()));
        }
    }
    for (const auto& place : all) {
        give_name_back(place);
    }
}

}  // namespace patroni_pgbackrest
