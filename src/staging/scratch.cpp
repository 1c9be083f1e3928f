#include "staging/scratch.hpp"

#include "postgres/living_server.hpp"
#include "process/process_tree.hpp"
#include "staging/places.hpp"
#include "system/file.hpp"
#include "system/log.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

/// In the scratch directory for as long as anything of a rehearsal is there: nothing is removed without it.
constexpr const char* mark_file = "patroni_pgbackrest.rehearsal";

/// All that a rehearsal makes there, and nothing else is ever removed.
constexpr const char* made_there[] = {"data.restoring",  "data.restoring.d", "tablespaces",  "tmp",
                                      "postgresql.conf", "pg_hba.conf",      "pg_ident.conf"};

nlohmann::json read_mark(const fs::path& directory) {
    const auto content = system::read_file_if_present(directory / mark_file);
    return content ? nlohmann::json::parse(*content, nullptr, false) : nlohmann::json();
}

void write_mark(const fs::path& directory, std::string_view state, bool made) {
    const nlohmann::json content{{"version", 1}, {"state", state}, {"made", made}};
    system::replace_file(directory / mark_file, content.dump() + "\n");
}

fs::path real_path(const fs::path& directory) {
    std::error_code error;
    auto path = fs::weakly_canonical(fs::absolute(directory), error);
    if (error) {
        throw system::refused("resolve", directory, error.value());
    }
    return path.has_filename() ? path : path.parent_path();
}

/// Whether a data directory, a tablespace or a pg_wal of its own may lie there. Other programs of PostgreSQL's work
/// anywhere.
bool may_be_a_servers(const fs::path& place) {
    std::error_code error;
    if (fs::exists(place / "PG_VERSION", error) || fs::exists(place / "archive_status", error)) {
        return true;
    }
    fs::directory_iterator entry(place, error);
    for (const fs::directory_iterator end; !error && entry != end; entry.increment(error)) {
        if (entry->path().filename().string().starts_with("PG_")) {
            return true;
        }
    }
    return false;
}

/// Of this directory and those around it.
void refuse_living_server(const fs::path& directory) {
    for (auto place = directory; place.has_relative_path(); place = place.parent_path()) {
        const auto server = may_be_a_servers(place) ? server_with_place(place) : std::nullopt;
        if (server) {
            throw Failure(ExitCode::unsafe,
                          fmt::format("process {} of a PostgreSQL server has {}, and the scratch directory is {}",
                                      *server, place.string(), directory.string()),
                          "name a directory that no server has, or stop that server if it is a rehearsal's own");
        }
    }
}

void refuse_state(const fs::path& directory, ScratchState state) {
    if (state == ScratchState::foreign) {
        throw Failure(ExitCode::unsafe, fmt::format("scratch directory {} is not empty", directory.string()),
                      "name a directory that is empty or not there: all that a rehearsal makes in it is removed again");
    }
    if (state == ScratchState::kept) {
        throw Failure(
            ExitCode::unsafe, fmt::format("{} holds a rehearsal that was kept", directory.string()),
            fmt::format("stop its server if one runs, then rm -r {}", system::shell_word(directory.string())));
    }
}

Failure under_way() {
    return {ExitCode::lock_held, "another rehearsal is under way",
            "wait for its end; patroni_pgbackrest rehearse --history shows it then"};
}

/// Its processes end with it, but may take a moment.
void end_what_is_left(const fs::path& directory) {
    using namespace std::chrono_literals;
    process::end_processes_with("--lock-path=" + (directory / "data.restoring.d" / "pgbackrest-lock").string(), 2s);
    const auto data = directory / "data.restoring";
    if (fs::is_directory(data)) {
        postgres::remove_stale_postmaster_file(data);
    }
}

/// A mark that was being written when its rehearsal was killed.
bool is_half_a_mark(const std::string& name) {
    return name.starts_with("." + std::string(mark_file) + ".");
}

void remove_all_made_in(const fs::path& directory) {
    std::vector<std::string> names(std::begin(made_there), std::end(made_there));
    const auto found = system::entries(directory);
    std::copy_if(found.begin(), found.end(), std::back_inserter(names), is_half_a_mark);
    for (const auto& name : names) {
        std::error_code error;
        fs::remove_all(directory / name, error);
        if (error) {
            throw system::refused("remove", directory / name, error.value());
        }
    }
}

}  // namespace

ScratchState state_of_scratch(const fs::path& directory) {
    std::error_code error;
    if (!fs::exists(directory, error)) {
        return ScratchState::usable;
    }
    if (!fs::is_directory(directory, error)) {
        return ScratchState::foreign;
    }
    const auto found = read_mark(directory);
    if (found.is_object()) {
        return found.value("state", "") == "kept" ? ScratchState::kept : ScratchState::interrupted;
    }
    const auto names = system::entries(directory);
    const bool is_empty = std::all_of(names.begin(), names.end(), [](const std::string& name) {
        return name == "lost+found" || is_half_a_mark(name);
    });
    return is_empty ? ScratchState::usable : ScratchState::foreign;
}

std::vector<fs::path> kept_away_from(const fs::path& data_directory) {
    const auto data = real_path(data_directory);
    std::vector<fs::path> places{data};
    for (const auto& journal : journals_of(data)) {
        const auto workspace = journal.parent_path().string();
        places.emplace_back(workspace);
        places.emplace_back(workspace.substr(0, workspace.size() - std::string_view(".d").size()));
    }
    for (const auto& link : links_of(data)) {
        places.push_back(real_path(end_of(link)));
    }
    return places;
}

std::optional<Problem> why_no_scratch(const fs::path& directory, const std::vector<fs::path>& others) {
    if (!directory.has_relative_path()) {
        return Problem{fmt::format("{} is no scratch directory", directory.string()), "name a directory of its own"};
    }
    for (const auto& other : others) {
        if (system::lies_in(directory, other) || system::lies_in(other, directory)) {
            return Problem{fmt::format("scratch directory {} and {} are not apart", directory.string(), other.string()),
                           "name a directory that neither contains the other nor lies in it"};
        }
    }
    return std::nullopt;
}

ScratchDirectory::ScratchDirectory(const fs::path& directory, const std::vector<fs::path>& others,
                                   const fs::path& history)
    : path_(real_path(directory)) {
    if (const auto problem = why_no_scratch(path_, others)) {
        throw Failure(ExitCode::unsafe, {*problem});
    }
    refuse_living_server(path_);
    refuse_state(path_, state_of_scratch(path_));
    if (!history.empty() && !locks_.take(history)) {
        throw under_way();
    }
    std::error_code error;
    made_ = fs::create_directories(path_, error);
    if (made_) {
        fs::permissions(path_, fs::perms::owner_all, error);
    }
    if (error) {
        throw system::refused("make directory", path_, error.value());
    }
    if (!locks_.take(path_)) {
        throw under_way();
    }
    // Looked at again under the lock.
    const auto state = state_of_scratch(path_);
    refuse_state(path_, state);
    if (state == ScratchState::interrupted) {
        made_ = read_mark(path_).value("made", false);
        log::info("{} holds what an interrupted rehearsal left: it is removed", path_.string());
        end_what_is_left(path_);
        remove_all_made_in(path_);
    }
    write_mark(path_, "running", made_);
    make_private(temporary());
}

ScratchDirectory::~ScratchDirectory() {
    if (kept_) {
        return;
    }
    try {
        remove_all_made_in(path_);
        system::remove_file(path_ / mark_file);
        std::error_code ignored;
        if (made_) {
            fs::remove(path_, ignored);
        }
    } catch (const std::exception& error) {
        log::warning("{}: the next rehearsal removes it", error.what());
    }
}

void ScratchDirectory::keep() {
    kept_ = true;
    write_mark(path_, "kept", made_);
}

}  // namespace patroni_pgbackrest
