#include "recovery/staging.hpp"

#include "patroni/data_directory.hpp"
#include "postgres/living_server.hpp"
#include "system/file.hpp"
#include "system/log.hpp"
#include "system/subprocess.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <sys/stat.h>
#include <system_error>

namespace patroni_pgbackrest::recovery {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

[[noreturn]] void cannot_make(const fs::path& directory, const std::error_code& error) {
    throw Failure(ExitCode::preflight_refused,
                  fmt::format("directory {} cannot be made: {}", directory.string(), error.message()),
                  "give the user of PostgreSQL write access to its parent directory");
}

void make_private(const fs::path& directory) {
    std::error_code error;
    fs::create_directories(directory, error);
    if (error) {
        cannot_make(directory, error);
    }
    fs::permissions(directory, fs::perms::owner_all, error);
    if (error) {
        cannot_make(directory, error);
    }
}

fs::path beside(const fs::path& path, const char* ending) {
    auto other = path;
    other += ending;
    return other;
}

bool empty_or_absent(const fs::path& directory) {
    std::error_code error;
    return !fs::exists(directory, error) || (fs::is_directory(directory, error) && system::entries(directory).empty());
}

/// Where a link leads whose end was lost with the disk behind it.
fs::path behind_dangling_links(fs::path path) {
    constexpr int most_links = 32;
    std::error_code error;
    for (int link = 0; link < most_links && fs::is_symlink(path, error) && !fs::exists(path, error); ++link) {
        const auto end = fs::read_symlink(path, error);
        path = path.parent_path() / end;
    }
    return path;
}

/// By Patroni's idea of emptiness: dotfiles and lost+found do not count.
std::string first_of_somebody(const fs::path& directory) {
    for (const auto& name : system::entries(directory)) {
        if (!name.starts_with(".") && name != "lost+found") {
            return name;
        }
    }
    return "something";
}

/// The first eight bytes of pg_control (ControlFileData.system_identifier, all versions); empty when there is none.
std::string system_identifier_in(const fs::path& data_directory) {
    std::ifstream file(data_directory / "global" / "pg_control", std::ios::binary);
    std::uint64_t identifier = 0;
    char bytes[sizeof identifier] = {};
    if (!file.read(bytes, sizeof bytes)) {
        return {};
    }
    std::memcpy(&identifier, bytes, sizeof identifier);
    return std::to_string(identifier);
}

/// When pg_control was written last, in seconds since 1970 (ControlFileData.time, behind the system identifier, two
/// version numbers and the state, in all versions); 0 when there is none.
std::int64_t last_change_of(const fs::path& data_directory) {
    constexpr std::streamoff offset = 24;
    std::ifstream file(data_directory / "global" / "pg_control", std::ios::binary);
    std::int64_t time = 0;
    char bytes[sizeof time] = {};
    file.seekg(offset);
    if (!file.read(bytes, sizeof bytes)) {
        return 0;
    }
    std::memcpy(&time, bytes, sizeof time);
    return time;
}

/// The symbolic links of a data directory that lead to its tablespaces and its WAL.
std::vector<fs::path> links_of(const fs::path& data_directory) {
    std::vector<fs::path> links;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(data_directory / "pg_tblspc", error)) {
        links.push_back(entry.path());
    }
    links.push_back(data_directory / "pg_wal");
    std::erase_if(links, [&](const fs::path& link) { return !fs::is_symlink(link, error); });
    return links;
}

/// What Patroni calls a data directory that it rejected. Under any other name a person moved it away, and wants a new
/// one.
bool is_patronis_name(const std::string& entry, const std::string& name) {
    constexpr std::size_t time_length = 19;  // 2026-11-22-10-00-00
    if (entry == name + ".failed") {
        return true;
    }
    const auto time = entry.starts_with(name + "_") ? entry.substr(name.size() + 1) : std::string();
    return time.size() == time_length && time.find_first_not_of("0123456789-") == std::string::npos;
}

/// Patroni appends `.failed` (2.0: `_` and the time) to the end of a link and lets the link follow.
void undo_renaming(const fs::path& link, const std::vector<std::string>& ours) {
    const auto end = fs::read_symlink(link).string();
    for (const auto& original : ours) {
        if (end == original || !(end.starts_with(original + ".") || end.starts_with(original + "_"))) {
            continue;
        }
        std::error_code error;
        if (fs::exists(original) && (!fs::is_directory(original) || !system::entries(original).empty())) {
            throw Failure(ExitCode::unsafe,
                          fmt::format("{} cannot get its name {} back, which is taken", end, original),
                          "move away what is there if it is not needed");
        }
        fs::remove(original, error);
        fs::rename(end, original, error);
        if (error) {
            throw Failure(ExitCode::unsafe,
                          fmt::format("{} cannot be renamed back to {}: {}", end, original, error.message()),
                          "rename it yourself, or move the staging directory away: the next run starts over");
        }
        fs::remove(link);
        fs::create_symlink(original, link);
        log::info("{} is {} again", end, original);
        return;
    }
}

void move(const fs::path& from, const fs::path& to) {
    std::error_code error;
    fs::rename(from, to, error);
    if (error) {
        throw Failure(ExitCode::internal_error,
                      fmt::format("{} cannot be renamed to {}: {}", from.string(), to.string(), error.message()),
                      "the restored data is complete in the staging directory: remove the cause and run it again");
    }
}

}  // namespace

Layout choose_layout(const fs::path& data_directory) {
    std::error_code error;
    Layout layout;
    layout.data_directory = fs::weakly_canonical(behind_dangling_links(data_directory), error);
    if (error) {
        throw Failure(ExitCode::preflight_refused,
                      fmt::format("data directory {} cannot be resolved: {}", data_directory.string(), error.message()),
                      "correct the path or its symbolic links");
    }
    const bool exists = fs::exists(layout.data_directory, error);
    if (exists && !fs::is_directory(layout.data_directory, error)) {
        throw Failure(ExitCode::unsafe, fmt::format("{} is not a directory", layout.data_directory.string()),
                      "move it away");
    }
    const auto parent = layout.data_directory.parent_path();
    const bool beside_it = !exists || (!system::is_mount_point(layout.data_directory) && system::is_writable(parent));
    if (beside_it) {
        layout.staging = beside(layout.data_directory, ".restoring");
    } else {
        layout.inside = true;
        layout.staging = layout.data_directory / ".restoring";
    }
    layout.workspace = beside(layout.staging, ".d");
    return layout;
}

void refuse_somebodys_data(const Layout& layout) {
    if (!patroni::is_empty_for_patroni(layout.data_directory)) {
        throw Failure(ExitCode::unsafe,
                      fmt::format("data directory {} is not empty: {} is in it", layout.data_directory.string(),
                                  first_of_somebody(layout.data_directory)),
                      "move it away yourself if it is not needed: nothing in it is ever overwritten");
    }
    if (!fs::exists(layout.journal()) && !empty_or_absent(layout.staging)) {
        throw Failure(ExitCode::unsafe,
                      fmt::format("staging directory {} is not ours: it has no journal", layout.staging.string()),
                      "move it away yourself if it is not needed");
    }
}

bool hand_over_is_unfinished(const Layout& layout) {
    const auto journal = Journal::read(layout.journal());
    if (!journal || journal->phase != Phase::handing_over) {
        return false;
    }
    return fs::exists(layout.staging) || system_identifier_in(layout.data_directory) == journal->system_identifier;
}

void forget(const Layout& layout) {
    std::error_code ignored;
    for (const auto& path : {layout.spool(), layout.pgbackrest_lock(), layout.failure(), layout.workspace / "lock",
                             layout.workspace / "postgresql.auto.conf", layout.journal()}) {
        fs::remove_all(path, ignored);
    }
    fs::remove(layout.workspace, ignored);
}

std::optional<fs::path> set_aside_by_patroni(const Request& request, const Layout& layout) {
    constexpr std::int64_t short_life = 3600;
    const auto journal = Journal::read(layout.journal());
    if (!journal || journal->phase != Phase::handed_over || !journal->handed_over ||
        journal->request != identity_of(request) || !empty_or_absent(layout.staging)) {
        return std::nullopt;
    }
    const auto parent = layout.data_directory.parent_path();
    const auto name = layout.data_directory.filename().string();
    for (const auto& entry : system::entries(parent)) {
        const auto path = parent / entry;
        if (is_patronis_name(entry, name) && journal->handed_over->is(path) &&
            system_identifier_in(path) == journal->system_identifier &&
            last_change_of(path) < journal->handed_over->at + short_life) {
            return path;
        }
    }
    return std::nullopt;
}

StagingDirectory::StagingDirectory(const Request& request) : layout_(choose_layout(request.data_directory)) {
    if (!hand_over_is_unfinished(layout_)) {
        refuse_somebodys_data(layout_);
    }
    make_private(layout_.workspace);
    lock_ = std::make_unique<system::Lock>(layout_.workspace / "lock");
    const auto left = system::end_processes_with("--lock-path=" + layout_.pgbackrest_lock().string(), 2s);
    if (left > 0) {
        log::info("{} pgbackrest processes of an earlier run were still there: ended", left);
    }
    if (auto journal = Journal::read(layout_.journal())) {
        // What was handed over belongs to its cluster now, tablespaces included; so does what is gone since.
        const bool over = journal->phase == Phase::handed_over ||
                          (journal->phase == Phase::handing_over && !hand_over_is_unfinished(layout_));
        if (!over) {
            journal_ = *journal;
            earlier_ = std::move(journal);
        }
    }
    // Looked at again under the lock: the instance that was waited for may have filled it.
    if (!earlier_ || earlier_->phase != Phase::handing_over) {
        refuse_somebodys_data(layout_);
    }
    if (journal_.request.empty()) {
        journal_.scope = request.scope;
        journal_.request = identity_of(request);
    }
    if (earlier_ && earlier_->request != identity_of(request)) {
        if (earlier_->phase == Phase::handing_over) {
            throw Failure(ExitCode::unsafe,
                          fmt::format("an earlier restore with another request was interrupted while its data went to "
                                      "{}: {}",
                                      layout_.data_directory.string(), earlier_->request),
                          "run it again with that request, or move the data directory and the staging directory away");
        }
        log::info("an earlier run asked for something else ({}): its copy is kept as far as it fits",
                  earlier_->request);
        earlier_.reset();
        journal_.hand_overs = 0;
    }
}

void StagingDirectory::begin_copy(const Request& request, const Plan& plan, const std::vector<fs::path>& outside) {
    if (!journal_.system_identifier.empty() && journal_.system_identifier != plan.database.system_identifier &&
        !empty_or_absent(layout_.staging)) {
        throw Failure(ExitCode::unsafe,
                      fmt::format("staging directory {} belongs to another cluster (system identifier {}, not {})",
                                  layout_.staging.string(), journal_.system_identifier,
                                  plan.database.system_identifier),
                      "move it away yourself if it is not needed");
    }
    auto known = journal_.outside;
    for (const auto& directory : outside) {
        const bool ours = std::find(known.begin(), known.end(), directory.string()) != known.end();
        if (!ours && !empty_or_absent(directory)) {
            throw Failure(
                ExitCode::unsafe,
                fmt::format("{} is not empty, and the backup has a tablespace or a link there", directory.string()),
                "move what is in it away, or give the restore another place with tablespace-map or link-map");
        }
        if (!ours) {
            known.push_back(directory.string());
        }
    }
    journal_.scope = request.scope;
    journal_.request = identity_of(request);
    journal_.backup_set = plan.backup.label;
    journal_.system_identifier = plan.database.system_identifier;
    journal_.boot = boot_id();
    journal_.phase = Phase::copying;
    journal_.outside = known;
    journal_.handed_over.reset();
    journal_.save(layout_.journal());
    make_private(layout_.staging);
}

void StagingDirectory::take_back(const fs::path& directory) {
    journal_ = Journal::read(layout_.journal()).value_or(journal_);
    adopt(directory, journal_.outside);
}

void StagingDirectory::reuse(const fs::path& directory, const Plan& plan, const std::vector<fs::path>& outside) {
    const auto refuse = [&](const std::string& why, const std::string& hint) {
        return Failure(ExitCode::unsafe, fmt::format("reuse-data {}: {}", directory.string(), why), hint);
    };
    if (const auto identifier = system_identifier_in(directory); identifier != plan.database.system_identifier) {
        throw refuse(identifier.empty() ? "there is no pg_control in it"
                                        : fmt::format("it belongs to another cluster (system identifier {}, not {})",
                                                      identifier, plan.database.system_identifier),
                     "name a data directory of the cluster that is restored, or leave reuse-data out");
    }
    postgres::remove_stale_postmaster_file(directory);
    std::vector<std::string> places;
    for (const auto& place : outside) {
        places.push_back(place.string());
    }
    journal_.system_identifier = plan.database.system_identifier;
    adopt(directory, places);
    // What its links lead to is as old as itself: --delta may clean it.
    std::error_code error;
    for (const auto& link : links_of(layout_.staging)) {
        const auto end = fs::read_symlink(link, error).string();
        if (std::find(places.begin(), places.end(), end) != places.end()) {
            journal_.outside.push_back(end);
        }
    }
}

void StagingDirectory::adopt(const fs::path& directory, const std::vector<std::string>& outside) {
    reached(Phase::copying);
    std::error_code ignored;
    fs::remove(layout_.staging, ignored);
    move(directory, layout_.staging);
    for (const auto& link : links_of(layout_.staging)) {
        undo_renaming(link, outside);
    }
}

void StagingDirectory::remove_inherited() const {
    std::error_code ignored;
    fs::remove_all(layout_.staging / ".restoring.d", ignored);
}

bool StagingDirectory::is_empty() const {
    return empty_or_absent(layout_.staging);
}

void StagingDirectory::reached(Phase phase) {
    journal_.phase = phase;
    journal_.boot = boot_id();
    journal_.save(layout_.journal());
}

std::vector<fs::path> StagingDirectory::outside() const {
    return {journal_.outside.begin(), journal_.outside.end()};
}

void StagingDirectory::sync() const {
    std::vector<fs::path> roots{layout_.staging};
    for (const auto& directory : outside()) {
        if (fs::exists(directory)) {
            roots.push_back(directory);
        }
    }
    system::sync_tree(roots);
}

void StagingDirectory::hand_over() {
    const auto& target = layout_.data_directory;
    if (journal_.phase != Phase::handing_over) {
        refuse_somebodys_data(layout_);
        reached(Phase::handing_over);
    }
    const bool exists = fs::exists(target);
    if (fs::exists(layout_.staging)) {
        if (layout_.inside || (exists && !system::entries(target).empty())) {
            move_entries();
        } else {
            move(layout_.staging, target);
        }
    }
    system::sync_directory(target.parent_path());
    journal_.handed_over = HandedOver::of(target);
    ++journal_.hand_overs;
    reached(Phase::handed_over);
    std::error_code ignored;
    fs::remove(layout_.failure(), ignored);
    if (layout_.inside) {
        // No more of ours than needed stays in a data directory.
        fs::remove(layout_.workspace / "lock", ignored);
    }
    fs::remove_all(layout_.spool(), ignored);
    fs::remove_all(layout_.pgbackrest_lock(), ignored);
}

void StagingDirectory::move_entries() const {
    const auto& target = layout_.data_directory;
    auto names = system::entries(layout_.staging);
    for (const auto& name : names) {
        if (fs::exists(fs::symlink_status(target / name))) {
            throw Failure(ExitCode::unsafe,
                          fmt::format("{} is there already, and is not from this restore", (target / name).string()),
                          "move it away; the restored data waits in the staging directory");
        }
    }
    // Without global/pg_control nothing can be started: it comes last, so that an interruption leaves no half cluster
    // that PostgreSQL or Patroni would take for a whole one.
    std::stable_partition(names.begin(), names.end(), [](const std::string& name) { return name != "global"; });
    struct stat facts {};
    if (::stat(layout_.staging.c_str(), &facts) == 0) {
        ::chmod(target.c_str(), facts.st_mode & 07777);
    }
    for (const auto& name : names) {
        if (name == "global") {
            system::sync_directory(target);
        }
        move(layout_.staging / name, target / name);
    }
    system::sync_directory(target);
    std::error_code ignored;
    fs::remove(layout_.staging, ignored);
}

}  // namespace patroni_pgbackrest::recovery
