#include "staging/hand_over.hpp"

#include "patroni/data_directory.hpp"
#include "postgres/control_data.hpp"
#include "staging/journal.hpp"
#include "staging/staging.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/lock.hpp"
#include "system/log.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <system_error>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

void move(const fs::path& from, const fs::path& to) {
    std::error_code error;
    fs::rename(from, to, error);
    if (error) {
        throw Failure(ExitCode::internal_error,
                      fmt::format("{} cannot be renamed to {}: {}", from.string(), to.string(), error.message()),
                      "the restored data is complete in the staging directory: remove the cause and run it again");
    }
}

void move_entries(const Layout& layout) {
    const auto& target = layout.data_directory;
    const auto names = in_order_of_hand_over(system::entries(layout.staging));
    for (const auto& name : names) {
        if (fs::exists(fs::symlink_status(target / name))) {
            throw Failure(ExitCode::unsafe,
                          fmt::format("{} is there already, and is not from this restore", (target / name).string()),
                          "move it away; the restored data waits in the staging directory");
        }
    }
    struct stat facts {};
    if (::stat(layout.staging.c_str(), &facts) == 0) {
        ::chmod(target.c_str(), facts.st_mode & 07777);
    }
    for (const auto& name : names) {
        if (name == "global") {
            system::sync_directory(target);
        }
        move(layout.staging / name, target / name);
    }
    system::sync_directory(target);
    std::error_code ignored;
    fs::remove(layout.staging, ignored);
}

void move_back(const fs::path& from, const fs::path& to, const fs::path& staging) {
    std::error_code error;
    if (fs::exists(fs::symlink_status(to))) {
        error = std::make_error_code(std::errc::file_exists);
    } else {
        fs::rename(from, to, error);
    }
    if (error) {
        throw Failure(ExitCode::unsafe,
                      fmt::format("{} cannot go back to {}: {}", from.string(), staging.string(), error.message()),
                      "move the data directory and the staging directory away: the next run starts over");
    }
}

/// 0 when there is none.
std::uint64_t inode_of_control(const fs::path& directory) {
    struct stat facts {};
    return ::stat((directory / "global" / "pg_control").c_str(), &facts) == 0 ? facts.st_ino : 0;
}

bool is_half_done(const Layout& layout) {
    const auto journal = Journal::read(layout.journal());
    return journal && journal->phase == Phase::handing_over && fs::exists(layout.staging) &&
           !fs::exists(layout.staging / "PG_VERSION") && fs::exists(layout.data_directory / "PG_VERSION") &&
           !fs::exists(layout.data_directory / "global");
}

void remove_what_the_run_needed(const Layout& layout) {
    std::error_code ignored;
    fs::remove(layout.failure(), ignored);
    if (layout.inside) {
        // No more of ours than needed stays in a data directory.
        fs::remove(layout.lock(), ignored);
    }
    fs::remove_all(layout.spool(), ignored);
    fs::remove_all(layout.pgbackrest_lock(), ignored);
}

}  // namespace

void sync_to_disk(const StagingDirectory& staging) {
    std::vector<fs::path> roots{staging.path()};
    for (const auto& place : staging.journal().places) {
        if (fs::exists(place.path)) {
            roots.emplace_back(place.path);
        }
    }
    system::sync_tree(roots);
    for (const auto& root : roots) {
        system::sync_directory(root.parent_path());  // its name there
    }
}

void hand_over(StagingDirectory& staging) {
    const auto& layout = staging.layout();
    const auto& target = layout.data_directory;
    if (staging.journal().phase != Phase::handing_over) {
        refuse_somebodys_data(layout);
        staging.journal().control_inode = inode_of_control(layout.staging);
        staging.enter(Phase::handing_over);
    }
    const bool exists = fs::exists(target);
    if (fs::exists(layout.staging)) {
        if (layout.inside || (exists && !system::entries(target).empty())) {
            move_entries(layout);
        } else {
            move(layout.staging, target);
        }
    }
    system::sync_directory(target.parent_path());
    auto& journal = staging.journal();
    journal.handed_over = HandedOver::of(target);
    journal.rejected.reset();
    journal.not_accepted = false;
    if (journal.circumstances != staging.circumstances()) {
        journal.circumstances = staging.circumstances();
        journal.hand_overs = 0;
    }
    ++journal.hand_overs;
    staging.enter(Phase::handed_over);
    remove_what_the_run_needed(layout);
}

void finish_hand_over(const Request& request) {
    StagingDirectory staging(request);
    hand_over(staging);
}

bool hand_over_is_done(const Layout& layout) {
    const auto journal = Journal::read(layout.journal());
    if (!journal || journal->phase != Phase::handing_over || journal->given_up ||
        fs::exists(layout.staging / "PG_VERSION")) {
        return false;
    }
    const auto control = postgres::read_control_file(layout.data_directory);
    const bool is_ours =
        journal->control_inode == 0 || journal->control_inode == inode_of_control(layout.data_directory);
    return control && control->system_identifier == journal->system_identifier && is_ours;
}

void undo_hand_over(const Layout& layout) {
    if (!is_half_done(layout)) {
        return;
    }
    const system::Lock lock(layout.lock());
    if (!is_half_done(layout)) {
        return;
    }
    log::info("an earlier run was interrupted in the hand-over: what is in {} goes back",
              layout.data_directory.string());
    auto names = in_order_of_hand_over(patroni::entries_for_patroni(layout.data_directory));
    std::reverse(names.begin(), names.end());
    for (const auto& name : names) {
        move_back(layout.data_directory / name, layout.staging / name, layout.staging);
    }
    system::sync_directory(layout.staging);
    system::sync_directory(layout.data_directory);
}

std::vector<std::string> in_order_of_hand_over(std::vector<std::string> entries) {
    const auto place = [](const std::string& name) { return name == "PG_VERSION" ? 0 : name == "global" ? 2 : 1; };
    std::stable_sort(entries.begin(), entries.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); });
    return entries;
}

}  // namespace patroni_pgbackrest
