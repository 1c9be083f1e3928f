#include "staging/scratch.hpp"

#include "postgres/living_server.hpp"
#include "process/process_tree.hpp"
#include "staging/places.hpp"
#include "system/descriptor.hpp"
#include "system/file.hpp"
#include "system/log.hpp"
#include "system/owner.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

/// In the scratch directory, and around all that a rehearsal makes there: nothing else is ever removed.
constexpr const char* own_directory = "ppb.rehearsal";

/// In that one for as long as anything of a rehearsal is there: nothing is removed without it.
constexpr const char* mark_file = "mark.json";
constexpr const char* new_mark_file = "mark.json.new";

constexpr unsigned mark_version = 1;  // of that file

/// What else a rehearsal makes. (What is written for one that is kept is not among it, and neither removed.)
constexpr const char* made_there[] = {"data.restoring", "data.restoring.d", "tablespaces", "tmp"};

/// A link is none.
nlohmann::json read_mark(const fs::path& own) {
    std::error_code error;
    const bool is_file = fs::is_regular_file(fs::symlink_status(own / mark_file, error));
    const auto content = is_file ? system::read_file_if_present(own / mark_file) : std::nullopt;
    return content ? nlohmann::json::parse(*content, nullptr, false) : nlohmann::json();
}

/// Follows no link, whoever made one there.
void write_mark(const fs::path& own, std::string_view state, bool made) {
    const nlohmann::json content{{"version", mark_version}, {"state", state}, {"made", made}};
    const auto text = content.dump() + "\n";
    const auto file = own / new_mark_file;
    system::remove_file(file);
    const system::Descriptor mark(
        ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!mark.is_open()) {
        throw system::refused("write", file, errno);
    }
    const auto written = ::write(mark.number(), text.data(), text.size());
    if (written != static_cast<ssize_t>(text.size())) {
        throw system::refused("write", file, written < 0 ? errno : ENOSPC);
    }
    if (::fsync(mark.number()) != 0 || ::rename(file.c_str(), (own / mark_file).c_str()) != 0) {
        throw system::refused("write", file, errno);
    }
    system::sync_directory(own);
}

fs::path real_path(const fs::path& directory) {
    std::error_code error;
    const auto path = fs::weakly_canonical(fs::absolute(directory), error);
    if (error) {
        throw system::refused("resolve", directory, error.value());
    }
    return system::without_last_slash(path);
}

/// As they are where one cannot be looked at.
std::vector<fs::path> real_paths(std::vector<fs::path> paths) {
    for (auto& path : paths) {
        std::error_code error;
        const auto real = fs::weakly_canonical(path, error);
        path = system::without_last_slash(error ? path.lexically_normal() : real);
    }
    return paths;
}

/// `PG_15_202209061`, in a tablespace of whatever version.
bool is_of_a_version(std::string_view name) {
    constexpr std::string_view prefix = "PG_";
    constexpr std::string_view digits = "0123456789";
    return name.starts_with(prefix) && name.size() > prefix.size() &&
           digits.find(name[prefix.size()]) != std::string_view::npos;
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
        if (is_of_a_version(entry->path().filename().string())) {
            return true;
        }
    }
    return false;
}

/// This directory and those around it, as far as they look like a server's.
std::vector<fs::path> servers_places_around(const fs::path& directory) {
    std::vector<fs::path> places;
    for (auto place = directory; place.has_relative_path(); place = place.parent_path()) {
        if (may_be_a_servers(place)) {
            places.push_back(place);
        }
    }
    return places;
}

Failure has_server(pid_t server, const fs::path& place, const fs::path& directory) {
    return {ExitCode::unsafe,
            fmt::format("process {} of a PostgreSQL server has {}, and the scratch directory is {}", server,
                        place.string(), directory.string()),
            "name a directory that no server has, or stop that server if it is a rehearsal's own"};
}

void refuse_servers_place(const fs::path& directory) {
    const auto places = servers_places_around(directory);
    for (const auto& place : places) {
        if (const auto server = server_with_place(place)) {
            throw has_server(*server, place, directory);
        }
    }
    if (!places.empty()) {
        throw Failure(ExitCode::unsafe,
                      fmt::format("{} is a PostgreSQL server's, and the scratch directory is {}",
                                  places.front().string(), directory.string()),
                      "name a directory that is no data directory and no tablespace, and that lies in none");
    }
}

void refuse_state(const fs::path& directory, const FoundScratch& found) {
    if (found.state == ScratchState::foreign) {
        const auto what = found.stranger.empty() ? std::string("is not a directory that a rehearsal may use")
                                                 : fmt::format("is not empty: {} is in it", found.stranger);
        throw Failure(ExitCode::unsafe, fmt::format("scratch directory {} {}", directory.string(), what),
                      "name a directory that is empty or not there, or move away what is in it: a rehearsal removes "
                      "only what a rehearsal has made");
    }
    if (found.state == ScratchState::newer) {
        throw Failure(ExitCode::unsafe,
                      fmt::format("{} holds what a newer patroni_pgbackrest has rehearsed", directory.string()),
                      fmt::format("rehearse with that one; or, when no rehearsal and no server runs there, rm -r {}",
                                  system::shell_word((directory / own_directory).string())));
    }
    if (found.state == ScratchState::kept) {
        throw Failure(ExitCode::unsafe, fmt::format("{} holds a rehearsal that was kept", directory.string()),
                      fmt::format("stop its server if one runs, then rm -r {}",
                                  system::shell_word((directory / own_directory).string())));
    }
}

/// What it means is not known here, so nothing is removed by it.
bool is_newer(const nlohmann::json& mark) {
    const auto version = mark.value("version", nlohmann::json(mark_version));
    return version.is_number_unsigned() && version.get<std::uint64_t>() > mark_version;
}

void refuse_unprotected(const fs::path& directory) {
    if (const auto problem = why_not_private(directory)) {
        throw Failure(ExitCode::unsafe, {*problem});
    }
}

Failure under_way() {
    return {ExitCode::lock_held, "another rehearsal is under way",
            "wait for its end; patroni_pgbackrest rehearse --history shows it then"};
}

/// Its processes end with it, but may take a moment.
void end_what_is_left(const fs::path& own) {
    using namespace std::chrono_literals;
    process::end_processes_with("--lock-path=" + (own / "data.restoring.d" / "pgbackrest-lock").string(), 2s);
    const auto data = own / "data.restoring";
    if (fs::is_directory(data)) {
        postgres::remove_stale_postmaster_file(data);
    }
}

/// Somebody may have given a server what a rehearsal left there.
void refuse_servers_in(const fs::path& tablespaces, const fs::path& directory) {
    std::error_code error;
    fs::directory_iterator entry(tablespaces, error);
    for (const fs::directory_iterator end; !error && entry != end; entry.increment(error)) {
        if (const auto server = server_with_place(entry->path())) {
            throw has_server(*server, entry->path(), directory);
        }
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        throw system::refused("look through", tablespaces, error.value());
    }
}

void remove_all_made_in(const fs::path& own) {
    for (const char* name : made_there) {
        std::error_code error;
        fs::remove_all(own / name, error);
        if (error) {
            throw system::refused("remove", own / name, error.value());
        }
    }
}

bool is_made_there(const std::string& name) {
    return name == mark_file || name == new_mark_file ||
           std::find(std::begin(made_there), std::end(made_there), name) != std::end(made_there);
}

/// The first that is none of a rehearsal's; empty when all are.
std::string stranger_in(const fs::path& directory, bool (*is_known)(const std::string&)) {
    const auto names = system::entries(directory);
    const auto stranger = std::find_if_not(names.begin(), names.end(), is_known);
    return stranger == names.end() ? std::string() : *stranger;
}

bool is_own_directory(const fs::path& own) {
    struct stat facts {};
    return ::lstat(own.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode) && facts.st_uid == ::geteuid();
}

/// Of the directory that rehearsals make.
FoundScratch look_at_own(const fs::path& own) {
    const auto named = [](const std::string& name) {
        return name.empty() ? std::string(own_directory) : fmt::format("{}/{}", own_directory, name);
    };
    if (!is_own_directory(own)) {
        return {ScratchState::foreign, named("")};
    }
    const auto mark = read_mark(own);
    if (!mark.is_object()) {
        // One that was killed before it had its mark has made nothing else.
        const auto stranger = stranger_in(own, [](const std::string& name) { return name == new_mark_file; });
        return stranger.empty() ? FoundScratch{} : FoundScratch{ScratchState::foreign, named(stranger)};
    }
    if (is_newer(mark)) {
        return {ScratchState::newer};
    }
    const auto state = mark.find("state");
    if (state != mark.end() && *state == "kept") {
        return {ScratchState::kept};
    }
    const auto stranger = stranger_in(own, is_made_there);
    return stranger.empty() ? FoundScratch{ScratchState::interrupted}
                            : FoundScratch{ScratchState::foreign, named(stranger)};
}

}  // namespace

FoundScratch look_at_scratch(const fs::path& directory) {
    std::error_code error;
    if (!fs::exists(directory, error)) {
        return {};
    }
    if (!fs::is_directory(directory, error)) {
        return {ScratchState::foreign};
    }
    const auto own = directory / own_directory;
    const bool has_own = fs::exists(fs::symlink_status(own, error));
    const auto found = has_own ? look_at_own(own) : FoundScratch{};
    if (found.state != ScratchState::usable && found.state != ScratchState::interrupted) {
        return found;
    }
    const auto stranger =
        stranger_in(directory, [](const std::string& name) { return name == own_directory || name == "lost+found"; });
    return stranger.empty() ? found : FoundScratch{ScratchState::foreign, stranger};
}

std::optional<Problem> why_not_private(const fs::path& directory) {
    struct stat facts {};
    if (::lstat(directory.c_str(), &facts) != 0) {
        return std::nullopt;
    }
    if (facts.st_uid != ::geteuid() && facts.st_uid != 0) {
        return Problem{fmt::format("scratch directory {} belongs to another user", directory.string()),
                       "name one of this user's own, or one that is not there"};
    }
    if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        const auto word = system::shell_word(directory.string());
        // Without its group, this user may not write to what is root's.
        const auto taken_over = facts.st_uid == ::geteuid()
                                    ? std::string()
                                    : fmt::format("as root, chown {} {} && ", system::own_user().user, word);
        return Problem{fmt::format("others may write to scratch directory {}", directory.string()),
                       fmt::format("{}chmod go-w {}, or name one that is not there", taken_over, word)};
    }
    return std::nullopt;
}

std::vector<fs::path> kept_away_from(const fs::path& data_directory) {
    const auto data = real_path(data_directory);
    std::vector<fs::path> places{data};
    for (const auto& journal : journals_of(data)) {
        const auto workspace = journal.parent_path().string();
        places.emplace_back(workspace);
        places.emplace_back(workspace.substr(0, workspace.size() - std::string_view(".d").size()));
    }
    for (const auto& link : visible_links_of(data)) {
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
    if (const auto problem = why_no_scratch(path_, real_paths(others))) {
        throw Failure(ExitCode::unsafe, {*problem});
    }
    refuse_servers_place(path_);
    refuse_unprotected(path_);
    refuse_state(path_, look_at_scratch(path_));
    if (!history.empty() && !locks_.take(history)) {
        throw under_way();
    }
    std::error_code error;
    fs::create_directories(path_.parent_path(), error);
    made_ = !error && ::mkdir(path_.c_str(), S_IRWXU) == 0;
    if (error || (!made_ && errno != EEXIST)) {
        throw system::refused("make directory", path_, error ? error.value() : errno);
    }
    refuse_unprotected(path_);
    if (!locks_.take(path_)) {
        throw under_way();
    }
    // Looked at again under the lock.
    const auto found = look_at_scratch(path_);
    refuse_state(path_, found);
    if (found.state == ScratchState::interrupted) {
        made_ = read_mark(own()).value("made", nlohmann::json()) == true;
        log::info("{} holds what an interrupted rehearsal left: it is removed", path_.string());
        end_what_is_left(own());
        refuse_servers_in(tablespaces(), path_);
        remove_all_made_in(own());
    }
    make_private(own());
    write_mark(own(), "running", made_);
    make_private(temporary());
}

ScratchDirectory::~ScratchDirectory() {
    if (kept_) {
        return;
    }
    try {
        remove_all_made_in(own());
        system::remove_file(own() / new_mark_file);
        system::remove_file(own() / mark_file);
        std::error_code ignored;
        fs::remove(own(), ignored);
        if (made_) {
            fs::remove(path_, ignored);
        }
    } catch (const std::exception& error) {
        log::warning("{}: the next rehearsal removes it", error.what());
    }
}

fs::path ScratchDirectory::own() const {
    return path_ / own_directory;
}

void ScratchDirectory::keep() {
    write_mark(own(), "kept", made_);
    kept_ = true;
}

}  // namespace patroni_pgbackrest
