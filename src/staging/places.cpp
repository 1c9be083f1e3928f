#include "staging/places.hpp"

#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/log.hpp"
#include "system/machine.hpp"
#include "system/process_facts.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <system_error>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

/// A place that is not the directory any more which it was then is somebody's.
void add_places(Journal& journal, const std::map<std::string, std::string>& places) {
    for (const auto& [place, birth] : places) {
        if (system::birth_of(place) != birth) {
            continue;
        }
        if (std::find(journal.outside.begin(), journal.outside.end(), place) == journal.outside.end()) {
            journal.outside.push_back(place);
        }
        journal.births.insert_or_assign(place, birth);
    }
}

}  // namespace

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
        const auto links = links_of(facts->directory);
        if (is_place(facts->directory) || std::any_of(links.begin(), links.end(), is_place)) {
            return process.pid;
        }
    }
    return std::nullopt;
}

std::map<std::string, std::string> made_places(const fs::path& data_directory) {
    const auto content = system::read_file_if_present(data_directory / made_places_file);
    const auto read = nlohmann::json::parse(content.value_or("{}"), nullptr, false);
    std::map<std::string, std::string> places;
    if (read.is_object()) {
        for (const auto& [place, birth] : read.items()) {
            if (birth.is_string()) {
                places.emplace(place, birth.get<std::string>());
            }
        }
    }
    return places;
}

void note_made_place(const fs::path& data_directory, const fs::path& place) {
    auto places = made_places(data_directory);
    places.insert_or_assign(place.string(), system::birth_of(place).value_or(""));
    system::replace_file(data_directory / made_places_file, nlohmann::json(places).dump() + "\n");
}

bool is_version_directory(std::string_view name, int major) {
    return name.starts_with(fmt::format("PG_{}_", major));
}

std::vector<std::string> owned_places(const Journal& journal) {
    std::vector<std::string> owned;
    for (const auto& directory : journal.outside) {
        const auto seen = journal.births.find(directory);
        if (seen != journal.births.end() && seen->second == system::birth_of(directory)) {
            owned.push_back(directory);
        }
    }
    return owned;
}

void take_made_places(Journal& journal, const fs::path& data_directory) {
    add_places(journal, made_places(data_directory));
}

void take_linked_places(Journal& journal, const fs::path& data_directory) {
    std::map<std::string, std::string> places;
    for (const auto& link : links_of(data_directory)) {
        const auto place = end_of(link);
        places.emplace(place, system::birth_of(place).value_or(""));
    }
    add_places(journal, places);
}

void empty_made_places(const Journal& journal, const std::vector<fs::path>& restored, int major) {
    const auto is_made = [&](const std::string& name) { return is_version_directory(name, major); };
    for (const fs::path place : owned_places(journal)) {
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
                                  "remove it; the next run starts the copy again");
                }
            }
        }
    }
}

std::vector<fs::path> links_of(const fs::path& data_directory) {
    std::vector<fs::path> links;
    std::error_code error;
    for (const auto& directory : {data_directory, data_directory / "pg_tblspc"}) {
        for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
            if (entry->is_symlink(error)) {
                links.push_back(entry->path());
            }
        }
    }
    return links;
}

std::string end_of(const fs::path& link) {
    std::error_code error;
    return (link.parent_path() / fs::read_symlink(link, error)).lexically_normal().string();
}

std::vector<fs::path> places_outside(const Journal& journal) {
    return {journal.outside.begin(), journal.outside.end()};
}

void claim_places(Journal& journal, const std::vector<fs::path>& outside) {
    auto known = journal.outside;
    for (const auto& directory : outside) {
        const bool is_known = std::find(known.begin(), known.end(), directory.string()) != known.end();
        const auto seen = journal.births.find(directory.string());
        const bool ours = is_known && (seen == journal.births.end() || seen->second == system::birth_of(directory));
        if (!ours && !system::is_empty_or_absent(directory)) {
            throw Failure(
                ExitCode::unsafe,
                fmt::format("{} is not empty, and the backup has a tablespace or a link there", directory.string()),
                "move what is in it away, or give the restore another place with tablespace-map or link-map");
        }
        if (!is_known) {
            known.push_back(directory.string());
        }
        if (!ours) {
            journal.births.erase(directory.string());
        }
    }
    journal.outside = known;
}

void note_births(Journal& journal) {
    for (const auto& directory : journal.outside) {
        if (const auto birth = system::birth_of(directory)) {
            journal.births.emplace(directory, *birth);
        }
    }
}

std::string boot_of(const std::vector<fs::path>& places) {
    const auto boot = system::boot_id();
    if (boot.empty()) {
        return {};
    }
    std::set<std::string> mounted;
    for (const auto& place : places) {
        mounted.insert(system::file_system_instance(place));
    }
    mounted.erase("");
    std::vector<std::string> words{boot};
    words.insert(words.end(), mounted.begin(), mounted.end());
    return system::join(words, " ");
}

std::string boot_now(const Journal& journal, const Layout& layout) {
    auto places = places_outside(journal);
    places.push_back(layout.staging);
    return boot_of(places);
}

bool is_same_boot(const Journal& journal, const Layout& layout) {
    const auto now = boot_now(journal, layout);
    return !now.empty() && journal.boot == now;
}

}  // namespace patroni_pgbackrest
