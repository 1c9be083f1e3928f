#include "staging/places.hpp"

#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/in_root.hpp"
#include "system/log.hpp"
#include "system/machine.hpp"
#include "system/process_facts.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <system_error>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

/// A file has no birth, since it may be replaced. A directory without one was not there yet when it was last looked at.
bool is_known_to_be_ours(const Place& place) {
    std::error_code error;
    return place.birth ? place.is_still_there() : !fs::is_directory(place.path, error);
}

/// Throws where nobody can look, except with an error that is an answer.
std::vector<fs::path> links_in(const fs::path& data_directory, bool (*is_answer)(int error)) {
    const auto check = [&](const std::error_code& error, const fs::path& path) {
        if (error && !is_answer(error.value())) {
            throw system::refused("look for links in", path, error.value());
        }
    };
    std::vector<fs::path> links;
    for (const auto& directory : {data_directory, data_directory / "pg_tblspc"}) {
        std::error_code error;
        fs::directory_iterator entry(directory, error);
        for (const fs::directory_iterator end; !error && entry != end; entry.increment(error)) {
            std::error_code of_entry;
            if (entry->is_symlink(of_entry)) {
                links.push_back(entry->path());
            }
            check(of_entry, entry->path());
        }
        check(error, directory);
    }
    return links;
}

}  // namespace

bool Place::is_still_there() const {
    const auto now = system::birth_of(path);
    return birth && now && system::is_same_birth(*birth, *now);
}

Places::Places(const std::vector<std::string>& paths, const std::map<std::string, std::string>& births) {
    for (const auto& path : paths) {
        const auto birth = births.find(path);
        at(path).birth = birth == births.end() ? std::nullopt : std::optional(birth->second);
    }
}

std::vector<std::string> Places::paths() const {
    std::vector<std::string> paths;
    for (const auto& place : all_) {
        paths.push_back(place.path);
    }
    return paths;
}

std::map<std::string, std::string> Places::births() const {
    std::map<std::string, std::string> births;
    for (const auto& place : all_) {
        if (place.birth) {
            births.emplace(place.path, *place.birth);
        }
    }
    return births;
}

Places Places::owned() const {
    Places owned;
    std::copy_if(begin(), end(), std::back_inserter(owned.all_),
                 [](const Place& place) { return place.is_still_there(); });
    return owned;
}

void Places::claim(const std::vector<fs::path>& restored) {
    auto claimed = *this;
    // Or its birth would be noted with the next ones, whatever is mounted there then. One that is another by now, or on
    // a disk that has died, is nothing that this restore flushes.
    std::erase_if(claimed.all_, [&](const Place& place) {
        std::error_code error;
        const bool is_file = fs::exists(place.path, error) && !fs::is_directory(place.path, error);
        const bool is_there = place.birth ? place.is_still_there() : is_file;
        return !is_there && std::find(restored.begin(), restored.end(), place.path) == restored.end();
    });
    for (const auto& directory : restored) {
        const auto known = std::find_if(begin(), end(), [&](const Place& place) { return place.path == directory; });
        const bool ours = known != end() && is_known_to_be_ours(*known);
        if (!ours && !system::is_empty_or_absent(directory)) {
            throw Failure(
                ExitCode::unsafe,
                fmt::format("{} is not empty, and the backup has a tablespace or a link there", directory.string()),
                "move what is in it away, or give the restore another place with tablespace-map or link-map");
        }
        if (const auto server = ours ? server_with_place(directory) : std::nullopt) {
            throw Failure(ExitCode::unsafe,
                          fmt::format("{} was filled by an earlier try, and process {} has it as its own now",
                                      directory.string(), *server),
                          "stop that server and move what is in it away, or give the restore another place with "
                          "tablespace-map or link-map");
        }
        claimed.at(directory.string()).birth = ours ? known->birth : std::nullopt;
    }
    *this = claimed;
}

void Places::add(const Places& others) {
    for (const auto& place : others) {
        at(place.path).birth = place.birth;
    }
}

void Places::note_births() {
    for (auto& place : all_) {
        if (!place.birth) {
            place.birth = system::birth_of(place.path);
        }
    }
}

Place& Places::at(const std::string& path) {
    const auto known = std::find_if(all_.begin(), all_.end(), [&](const Place& place) { return place.path == path; });
    return known == all_.end() ? all_.emplace_back(Place{path, std::nullopt}) : *known;
}

std::optional<pid_t> server_with_place(const fs::path& place) {
    const auto is_place = [&](const fs::path& directory) {
        std::error_code error;
        return fs::equivalent(directory, place, error);
    };
    for (const auto& process : system::process_table()) {
        const auto facts = system::facts_of(process.pid);
        if (!facts || facts->arguments.empty() || facts->arguments.front().find("postgres") == std::string::npos) {
            continue;
        }
        const auto own = fs::path("/proc") / std::to_string(process.pid);
        // Through its own root, which may be a container's: there the same paths lead elsewhere. Where that cannot be
        // known, a place is refused rather than overwritten.
        const auto leads_to_place = [&](const fs::path& link) {
            std::error_code error;
            const auto target = fs::read_symlink(link, error);
            if (!target.is_absolute()) {
                return is_place(link);
            }
            const auto leads = system::leads_there_in(own / "root", target, place);
            return leads == system::LeadsThere::yes ||
                   (leads == system::LeadsThere::unknown &&
                    (is_place(own / "root" / target.relative_path()) || is_place(target)));
        };
        const auto links = visible_links_of(own / "cwd");
        if (is_place(own / "cwd") || std::any_of(links.begin(), links.end(), leads_to_place)) {
            return process.pid;
        }
    }
    return std::nullopt;
}

Places made_places(const fs::path& data_directory) {
    const auto content = system::read_file_if_present(data_directory / made_places_file);
    const auto read = nlohmann::json::parse(content.value_or("{}"), nullptr, false);
    std::vector<std::string> paths;
    std::map<std::string, std::string> births;
    if (read.is_object()) {
        for (const auto& [place, birth] : read.items()) {
            if (birth.is_string()) {
                paths.push_back(place);
                births.emplace(place, birth.get<std::string>());
            }
        }
    }
    return Places(paths, births);
}

void note_made_place(const fs::path& data_directory, const fs::path& place) {
    auto births = made_places(data_directory).births();
    births.insert_or_assign(place.string(), system::birth_of(place).value_or(""));
    system::replace_file(data_directory / made_places_file, nlohmann::json(births).dump() + "\n");
}

bool is_version_directory(std::string_view name, int major) {
    return name.starts_with(fmt::format("PG_{}_", major));
}

Places linked_places(const fs::path& data_directory) {
    std::vector<std::string> ends;
    for (const auto& link : links_of(data_directory)) {
        ends.push_back(end_of(link));
    }
    Places places(ends);
    places.note_births();
    return places;
}

bool are_as_linked(const Places& places, const fs::path& data_directory) {
    const auto links = links_of(data_directory);
    return std::all_of(links.begin(), links.end(), [&](const fs::path& link) {
        const auto end = end_of(link);
        const auto known =
            std::find_if(places.begin(), places.end(), [&](const auto& place) { return place.path == end; });
        const bool is_another = known != places.end() && known->birth && !known->is_still_there();
        std::error_code error;
        const bool is_tablespace = link.parent_path().filename() == "pg_tblspc";
        const bool is_there = is_tablespace ? !system::is_empty_or_absent(end) : fs::exists(end, error);
        return is_there && !is_another;
    });
}

void empty_made_places(const Places& places, const std::vector<fs::path>& restored, int major) {
    const auto is_made = [&](const std::string& name) { return is_version_directory(name, major); };
    for (const fs::path place : places.owned().paths()) {
        const auto names = system::entries(place);
        if (std::find(restored.begin(), restored.end(), place) != restored.end() ||
            std::none_of(names.begin(), names.end(), is_made)) {
            continue;
        }
        if (const auto server = server_with_place(place)) {
            throw Failure(ExitCode::unsafe,
                          fmt::format("{} was a tablespace of an earlier try, and process {} has it as its own now",
                                      place.string(), *server),
                          "stop that server, or move the journal away if it is not of this restore");
        }
        log::warning("{}: what an earlier try's replay made there is removed", place.string());
        for (const auto& name : names) {
            if (is_made(name)) {
                std::error_code error;
                fs::remove_all(place / name, error);
                if (error) {
                    throw Failure(ExitCode::unsafe,
                                  fmt::format("{} cannot be removed: {}", (place / name).string(), error.message()),
                                  "remove it, or unmount its disk if that has failed; the next run starts the copy "
                                  "again");
                }
            }
        }
    }
}

std::vector<fs::path> links_of(const fs::path& data_directory) {
    return links_in(data_directory, [](int error) { return error == ENOENT || error == ENOTDIR; });
}

std::vector<fs::path> visible_links_of(const fs::path& data_directory) {
    return links_in(data_directory, [](int error) { return error != EMFILE && error != ENFILE && error != ENOMEM; });
}

std::string end_of(const fs::path& link) {
    std::error_code error;
    return (link.parent_path() / fs::read_symlink(link, error)).lexically_normal().string();
}

std::string boot_of(const fs::path& staging, const Places& places) {
    const auto boot = system::boot_id();
    if (boot.empty()) {
        return {};
    }
    std::set<std::string> mounted{system::file_system_instance(staging)};
    for (const auto& place : places) {
        mounted.insert(system::file_system_instance(place.path));
    }
    mounted.erase("");
    std::vector<std::string> words{boot};
    words.insert(words.end(), mounted.begin(), mounted.end());
    return system::join(words, " ");
}

bool tells_mounts_apart(const fs::path& staging, const Places& places) {
    const auto is_told = [](const fs::path& place) { return !system::file_system_instance(place).empty(); };
    return is_told(staging) &&
           std::all_of(places.begin(), places.end(), [&](const Place& place) { return is_told(place.path); });
}

}  // namespace patroni_pgbackrest
