#include "staging/set_aside.hpp"

#include "postgres/control_data.hpp"
#include "staging/journal.hpp"
#include "system/file.hpp"
#include "system/log.hpp"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <system_error>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

/// What Patroni calls a directory that it rejected. Under any other name a person moved it away, and wants a new one.
bool is_patronis_name(const std::string& entry, const std::string& name) {
    constexpr std::size_t time_length = 19;  // 2026-11-22-10-00-00
    if (entry == name + ".failed") {
        return true;
    }
    const auto time = entry.starts_with(name + "_") ? entry.substr(name.size() + 1) : std::string();
    return time.size() == time_length && time.find_first_not_of("0123456789-") == std::string::npos;
}

/// The symbolic links of a data directory: of its tablespaces, its WAL, and whatever else lies outside.
std::vector<fs::path> links_of(const fs::path& data_directory) {
    std::vector<fs::path> links;
    std::error_code error;
    for (const auto& directory : {data_directory, data_directory / "pg_tblspc"}) {
        for (const auto& entry : fs::directory_iterator(directory, error)) {
            if (entry.is_symlink(error)) {
                links.push_back(entry.path());
            }
        }
    }
    return links;
}

std::string end_of(const fs::path& link) {
    std::error_code error;
    return (link.parent_path() / fs::read_symlink(link, error)).lexically_normal().string();
}

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

}  // namespace

std::optional<fs::path> set_aside_by_patroni(const Request& request, const Layout& layout) {
    constexpr std::int64_t short_life = 3600;
    const auto journal = Journal::read(layout.journal());
    if (!journal || journal->phase != Phase::handed_over || !journal->handed_over ||
        journal->request != identity_of(request) || !system::is_empty_or_absent(layout.staging)) {
        return std::nullopt;
    }
    const auto parent = layout.data_directory.parent_path();
    const auto name = layout.data_directory.filename().string();
    for (const auto& entry : system::entries(parent)) {
        const auto path = parent / entry;
        if (!is_patronis_name(entry, name) || !journal->handed_over_is(path)) {
            continue;
        }
        const auto control = postgres::read_control_file(path);
        if (control && control->written_at < journal->handed_over->at + short_life) {
            return path;
        }
    }
    return std::nullopt;
}

bool is_still_the_newest(const Request& request, const Plan& plan, const Layout& layout, const fs::path& directory) {
    constexpr std::int64_t clocks_differ = 60;
    const auto journal = Journal::read(layout.journal());
    if (!journal || !journal->asked || !journal->handed_over || plan.backup.label != journal->backup_set) {
        return false;
    }
    const auto& asked = *journal->asked;
    const auto& last_segments = plan.archive_end.last_segments;
    const auto is_its_own = [&](const std::string& name) {
        std::error_code error;
        return fs::exists(directory / "pg_wal" / "archive_status" / (name + ".done"), error);
    };
    const auto was_there = [&](const auto& last) {
        return last->second.archived_at < journal->handed_over->at - clocks_differ;
    };
    for (auto last = last_segments.upper_bound(asked.timeline); last != last_segments.end(); ++last) {
        if (!was_there(last) && !is_its_own(last->second.name)) {
            return false;
        }
    }
    for (const auto timeline : plan.archive_end.histories) {
        const auto last = last_segments.find(timeline);
        if (timeline > asked.timeline && !(last != last_segments.end() && was_there(last)) &&
            !is_its_own(timeline.history_file())) {
            return false;
        }
    }
    const auto followed = last_segments.find(asked.timeline);
    return !request.target.is_latest() || followed == last_segments.end() ||
           followed->second.name <= asked.last_segment;
}

std::vector<fs::path> leftovers_of(const Layout& layout) {
    std::vector<fs::path> found;
    if (!system::is_empty_or_absent(layout.staging)) {
        found.push_back(layout.staging);
    }
    const auto parent = layout.data_directory.parent_path();
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(parent, error)) {
        if (is_patronis_name(entry.path().filename().string(), layout.data_directory.filename().string())) {
            found.push_back(entry.path());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
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

std::vector<std::string> linked_places(const fs::path& data_directory, const std::vector<std::string>& places) {
    std::vector<std::string> ends;
    for (const auto& link : links_of(data_directory)) {
        ends.push_back(end_of(link));
    }
    std::vector<std::string> linked;
    for (const auto& place : places) {
        if (std::find(ends.begin(), ends.end(), place) != ends.end()) {
            linked.push_back(place);
        }
    }
    return linked;
}

}  // namespace patroni_pgbackrest
