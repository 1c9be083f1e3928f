#include "staging/staging.hpp"

#include "postgres/control_data.hpp"
#include "postgres/living_server.hpp"
#include "process/process_tree.hpp"
#include "staging/set_aside.hpp"
#include "system/file.hpp"
#include "system/log.hpp"

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <system_error>

namespace patroni_pgbackrest {

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

/// Tells one directory from another at the same place, also after a reboot: the roots of two file systems may have one
/// inode number. Empty for what is no directory, as the end of a file link, which may be replaced.
std::optional<std::string> birth_of(const fs::path& directory) {
    struct statx facts {};
    if (::statx(AT_FDCWD, directory.c_str(), 0, STATX_TYPE | STATX_INO | STATX_BTIME, &facts) != 0 ||
        !S_ISDIR(facts.stx_mode)) {
        return std::nullopt;
    }
    const bool known = (facts.stx_mask & STATX_BTIME) != 0;
    return fmt::format("{} {}.{:09}", facts.stx_ino, known ? facts.stx_btime.tv_sec : 0,
                       known ? facts.stx_btime.tv_nsec : 0);
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

std::string member_of(const Request& request) {
    return request.patroni && request.patroni->name ? request.patroni->name->text : "";
}

}  // namespace

void begin_anew(const Request& request, const Layout& layout) {
    make_private(layout.workspace);
    const system::Lock lock(layout.workspace / "lock");
    refuse_somebodys_data(layout);  // again: the instance that was waited for may have filled it
    auto journal = Journal::read(layout.journal()).value_or(Journal{});
    journal.begun = Begun{request.scope, member_of(request), identity_of(request)};
    journal.given_up = false;
    journal.save(layout.journal());
}

void give_up_plan(const Layout& layout) {
    const system::Lock lock(layout.workspace / "lock");
    const auto journal = Journal::read(layout.journal());
    if (journal && journal->only_planned() && !fs::exists(layout.failure())) {
        forget(layout);
    }
}

StagingDirectory::StagingDirectory(const Request& request) : layout_(choose_layout(request.data_directory)) {
    if (!hand_over_is_done(layout_)) {
        refuse_somebodys_data(layout_);
    }
    make_private(layout_.workspace);
    lock_ = std::make_unique<system::Lock>(layout_.workspace / "lock");
    const auto left = process::end_processes_with("--lock-path=" + layout_.pgbackrest_lock().string(), 2s);
    if (left > 0) {
        log::info("{} pgbackrest processes of an earlier run were still there: ended", left);
    }
    if (auto journal = Journal::read(layout_.journal())) {
        // What was handed over belongs to its cluster now, tablespaces included; so does what is gone since.
        const bool over =
            journal->phase == Phase::handed_over ||
            (journal->phase == Phase::handing_over && !fs::exists(layout_.staging) && !hand_over_is_done(layout_));
        if (!over && !journal->only_planned()) {
            journal_ = *journal;
            earlier_ = std::move(journal);
        }
    }
    // Looked at again under the lock: the instance that was waited for may have filled it.
    if (!hand_over_is_done(layout_)) {
        refuse_somebodys_data(layout_);
    }
    if (!earlier_) {
        journal_.scope = request.scope;
        journal_.request = identity_of(request);
    }
    if (const auto member = member_of(request); !member.empty()) {
        journal_.member = member;
    }
    if (earlier_ && earlier_->request != identity_of(request)) {
        if (hand_over_is_done(layout_)) {
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
        !system::is_empty_or_absent(layout_.staging)) {
        throw Failure(ExitCode::unsafe,
                      fmt::format("staging directory {} belongs to another cluster (system identifier {}, not {})",
                                  layout_.staging.string(), journal_.system_identifier,
                                  plan.database.system_identifier),
                      "move it away yourself if it is not needed");
    }
    auto known = journal_.outside;
    for (const auto& directory : outside) {
        const bool is_known = std::find(known.begin(), known.end(), directory.string()) != known.end();
        const auto seen = journal_.births.find(directory.string());
        const bool ours = is_known && (seen == journal_.births.end() || seen->second == birth_of(directory));
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
            journal_.births.erase(directory.string());
        }
    }
    journal_.scope = request.scope;
    journal_.request = identity_of(request);
    journal_.backup_set = plan.backup.label;
    journal_.system_identifier = plan.database.system_identifier;
    journal_.outside = known;
    journal_.handed_over.reset();
    journal_.asked.reset();
    journal_.reached.reset();
    reached(Phase::copying);
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
    const auto control = postgres::read_control_file(directory);
    if (!control || control->system_identifier != plan.database.system_identifier) {
        throw refuse(!control ? "there is no pg_control in it"
                              : fmt::format("it belongs to another cluster (system identifier {}, not {})",
                                            control->system_identifier, plan.database.system_identifier),
                     "name a data directory of the cluster that is restored, or leave reuse-data out");
    }
    if (!system::same_file_system(directory, layout_.workspace)) {
        throw refuse("it is not on the file system of the data directory",
                     "move it there, or leave reuse-data out: everything is copied from the repository then");
    }
    postgres::remove_stale_postmaster_file(directory);
    journal_.system_identifier = plan.database.system_identifier;
    journal_.births.clear();
    std::vector<std::string> places;
    for (const auto& place : outside) {
        places.push_back(place.string());
    }
    adopt(directory, places);
}

/// What may be refused comes first: a journal that names the places as ours allows --delta to clean them.
void StagingDirectory::adopt(const fs::path& directory, const std::vector<std::string>& places) {
    give_names_back(directory, places);
    journal_.outside = linked_places(directory, places);
    reached(Phase::copying);
    std::error_code error;
    fs::remove(layout_.staging, error);
    fs::rename(directory, layout_.staging, error);
    if (error) {
        throw Failure(ExitCode::unsafe,
                      fmt::format("{} cannot be renamed to {}: {}", directory.string(), layout_.staging.string(),
                                  error.message()),
                      fmt::format("move {} away: the next run starts over", directory.string()));
    }
    system::sync_directory(layout_.staging.parent_path());
}

void StagingDirectory::remove_inherited() const {
    std::error_code ignored;
    fs::remove_all(layout_.staging / ".restoring.d", ignored);
}

bool StagingDirectory::is_empty() const {
    return system::is_empty_or_absent(layout_.staging);
}

void StagingDirectory::reached(Phase phase) {
    journal_.phase = phase;
    journal_.boot = boot();
    journal_.given_up = false;
    journal_.begun.reset();
    if (phase != Phase::handed_over) {
        note_births();
    }
    journal_.save(layout_.journal());
}

void StagingDirectory::note_births() {
    for (const auto& directory : journal_.outside) {
        if (const auto birth = birth_of(directory)) {
            journal_.births.emplace(directory, *birth);
        }
    }
}

void StagingDirectory::remember(const Asked& asked, const std::optional<Reached>& where) {
    journal_.asked = asked;
    journal_.reached = where;
}

std::vector<fs::path> StagingDirectory::outside() const {
    return {journal_.outside.begin(), journal_.outside.end()};
}

std::string StagingDirectory::boot() const {
    auto places = outside();
    places.push_back(layout_.staging);
    return boot_of(places);
}

bool StagingDirectory::is_same_boot() const {
    const auto now = boot();
    return earlier_ && !now.empty() && earlier_->boot == now;
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
    journal_.rejected.reset();
    journal_.not_accepted = false;
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
    const auto names = in_order_of_hand_over(system::entries(layout_.staging));
    for (const auto& name : names) {
        if (fs::exists(fs::symlink_status(target / name))) {
            throw Failure(ExitCode::unsafe,
                          fmt::format("{} is there already, and is not from this restore", (target / name).string()),
                          "move it away; the restored data waits in the staging directory");
        }
    }
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

}  // namespace patroni_pgbackrest
