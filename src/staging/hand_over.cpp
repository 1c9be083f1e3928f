#include "staging/hand_over.hpp"

#include "patroni/data_directory.hpp"
#include "postgres/control_data.hpp"
#include "staging/journal.hpp"
#include "staging/kept_base.hpp"
#include "staging/staging.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/lock.hpp"
#include "system/log.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <system_error>
#include <utility>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

void move_back(const HandOverCalls& calls, const fs::path& from, const fs::path& to, const fs::path& staging) {
    std::error_code error;
    if (fs::exists(fs::symlink_status(to))) {
        error = std::make_error_code(std::errc::file_exists);
    } else {
        error = calls.rename(from, to);
    }
    if (error) {
        throw Failure(ExitCode::unsafe,
                      fmt::format("{} cannot go back to {}: {}", from.string(), staging.string(), error.message()),
                      "move the data directory and the staging directory away: the next run starts over");
    }
}

/// The renames of one hand-over, which are all undone when one of them fails.
class Moves {
  public:
    Moves(const Layout& layout, const HandOverCalls& calls)
        : layout_(layout), calls_(calls), had_directory_(fs::exists(layout.data_directory)) {}

    void move(const fs::path& from, const fs::path& to) {
        done_.emplace_back(from, to);
        const auto error = calls_.rename(from, to);
        if (error) {
            done_.pop_back();
            // A directory that is moved is written to: its `..` changes.
            const bool is_permission = error == std::errc::permission_denied;
            throw Failure(ExitCode::system_refused,
                          fmt::format("cannot rename {} to {}: {}", from.string(), to.string(), error.message()),
                          system::hint_for(error.value(), is_permission ? from : to));
        }
    }

    void sync(const fs::path& directory) const { calls_.sync(directory); }

    bool are_none() const { return done_.empty(); }

    /// In reverse: global/ is the first, so nothing can be started there any more, and PG_VERSION the last, so staging
    /// is whole when it has that. Wherever this ends, the next run goes on from there.
    void undo() {
        const auto& target = layout_.data_directory;
        while (!done_.empty()) {
            const auto& [from, to] = done_.back();
            move_back(calls_, to, from, layout_.staging);
            done_.pop_back();
        }
        if (had_directory_) {
            std::error_code ignored;
            fs::create_directory(target, layout_.staging, ignored);  // that the one rename replaced
        }
        for (const auto& directory : {layout_.staging, target, target.parent_path()}) {
            if (fs::exists(directory)) {
                sync(directory);
            }
        }
    }

  private:
    const Layout& layout_;
    const HandOverCalls& calls_;
    bool had_directory_;
    std::vector<std::pair<fs::path, fs::path>> done_;
};

/// PostgreSQL starts in no directory that others may write to.
void give_mode(const fs::path& target, const fs::path& staging) {
    struct stat wanted {};
    struct stat now {};
    const bool is_known = ::stat(staging.c_str(), &wanted) == 0 && ::stat(target.c_str(), &now) == 0;
    const auto mode = wanted.st_mode & 07777;
    if (is_known && ((now.st_mode & 07777) == mode || ::chmod(target.c_str(), mode) == 0)) {
        return;
    }
    const std::error_code error(errno, std::generic_category());
    throw Failure(ExitCode::preflight_refused,
                  fmt::format("{} cannot get the mode of {}: {}", target.string(), staging.string(), error.message()),
                  fmt::format("chmod {:04o} {}; the restored data waits in the staging directory", mode,
                              system::shell_word(target.string())));
}

void move_entries(const Layout& layout, Moves& moves) {
    const auto& target = layout.data_directory;
    const auto names = in_order_of_hand_over(system::entries(layout.staging));
    for (const auto& name : names) {
        if (fs::exists(fs::symlink_status(target / name))) {
            throw Failure(ExitCode::unsafe,
                          fmt::format("{} is there already, and is not from this restore", (target / name).string()),
                          "move it away; the restored data waits in the staging directory");
        }
    }
    give_mode(target, layout.staging);
    for (const auto& name : names) {
        if (name == "global") {
            moves.sync(target);
        }
        moves.move(layout.staging / name, target / name);
    }
    moves.sync(target);
}

void move_all(const Layout& layout, Moves& moves) {
    const auto& target = layout.data_directory;
    if (fs::exists(layout.staging)) {
        if (layout.inside || (fs::exists(target) && !system::entries(target).empty())) {
            move_entries(layout, moves);
        } else {
            moves.move(layout.staging, target);
        }
    }
    moves.sync(target.parent_path());
}

/// What the journal says of data that Patroni has.
void note_hand_over(StagingDirectory& staging) {
    auto& journal = staging.journal();
    journal.handed_over = HandedOver::of(staging.layout().data_directory);
    journal.begun_timeline.reset();
    journal.note_begun_timeline(staging.layout().data_directory);
    journal.rejected.reset();
    journal.base.reset();
    journal.not_accepted = false;
    if (journal.circumstances != staging.circumstances()) {
        journal.circumstances = staging.circumstances();
        journal.hand_overs = 0;
    }
    ++journal.hand_overs;
}

/// Everything is in place and the journal says so, or all of it is back in staging. An error of the last sync counts,
/// too, although nothing is missing then: Patroni would rename what it was not handed, and the next run syncs each file
/// again before it moves any, while one that finds all in place does not.
void move_all_or_nothing(StagingDirectory& staging, Phase before, const HandOverCalls& calls) {
    const auto& layout = staging.layout();
    const auto journal = staging.journal();
    Moves moves(layout, calls);
    try {
        move_all(layout, moves);
        note_hand_over(staging);
        calls.enter(staging, Phase::handed_over);
    } catch (const std::exception& error) {
        staging.journal() = journal;
        if (moves.are_none()) {
            throw;  // nothing was moved, or an earlier run had moved all of it
        }
        log::warning("the hand-over failed: what is in {} goes back to {}", layout.data_directory.string(),
                     layout.staging.string());
        try {
            moves.undo();
            staging.enter(before);  // until now the next run would undo the rest, or finish it
        } catch (const std::exception& other) {
            const auto failure = system::unexpected(error);
            auto problems = failure.problems();
            problems.front().message +=
                fmt::format("; and what was in place could not go back: {}", system::unexpected(other).what());
            problems.front().hint = "remove the cause of both and run it again: the next run goes on from there";
            throw Failure(failure.code(), problems);
        }
        throw;
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
    fs::remove(layout.staging, ignored);  // empty, where its entries were moved
    fs::remove(layout.failure(), ignored);
    if (layout.inside) {
        // No more of ours than needed stays in a data directory.
        fs::remove(layout.lock(), ignored);
        fs::remove(layout.status(), ignored);
        fs::remove(layout.unfinished_status(), ignored);
    }
    fs::remove_all(layout.spool(), ignored);
    fs::remove_all(layout.pgbackrest_lock(), ignored);
    remove_base(layout);  // with each page that the cluster writes it would take more room
}

std::vector<fs::path> roots_of(const StagingDirectory& staging) {
    std::vector<fs::path> roots{staging.path()};
    for (const auto& place : staging.journal().places) {
        if (fs::exists(place.path)) {
            roots.emplace_back(place.path);
        }
    }
    return roots;
}

}  // namespace

void sync_to_disk(const StagingDirectory& staging, const system::OnSynced& on_progress) {
    const auto roots = roots_of(staging);
    system::sync_tree(roots, on_progress);
    for (const auto& root : roots) {
        system::sync_directory(root.parent_path());  // its name there
    }
}

void doubt_what_is_written(StagingDirectory& staging) {
    log::info("what is not on the disk for certain is checked against the backup by the next run");
    staging.journal().base.reset();  // which shares the blocks
    try {
        staging.enter(Phase::copying);
    } catch (const std::exception& error) {
        log::debug("the journal still has the phase before: {}", system::unexpected(error).what());
    }
    std::error_code ignored;
    // No copy is whole without it, also where the journal cannot be written.
    fs::remove(staging.path() / "global" / "pg_control", ignored);
    std::vector<fs::path> roots{staging.path()};
    for (const auto& place : staging.journal().places) {
        roots.emplace_back(place.path);  // there or not: what failed may be the look at it
    }
    system::forget_cached(roots);
}

void sync_for_hand_over(StagingDirectory& staging, const system::OnSynced& on_progress) {
    try {
        sync_to_disk(staging, on_progress);
        for (const auto& root : roots_of(staging)) {
            staging.write_errors().watch(root);  // that the replay has made
        }
        staging.write_errors().refuse();
    } catch (const std::exception& error) {
        if (system::unexpected(error).code() == ExitCode::system_refused) {
            doubt_what_is_written(staging);
        }
        throw;
    }
}

void hand_over(StagingDirectory& staging, const HandOverCalls& calls) {
    const auto& layout = staging.layout();
    const auto before = staging.journal().phase;
    if (before != Phase::handing_over) {
        refuse_somebodys_data(layout);
        staging.journal().control_inode = inode_of_control(layout.staging);
        staging.enter(Phase::handing_over);
    }
    move_all_or_nothing(staging, before, calls);
    remove_what_the_run_needed(layout);
}

void HandOverCalls::enter_phase(StagingDirectory& staging, Phase phase) {
    staging.enter(phase);
}

std::error_code HandOverCalls::rename_entry(const fs::path& from, const fs::path& to) {
    std::error_code error;
    fs::rename(from, to, error);
    return error;
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
        move_back({}, layout.data_directory / name, layout.staging / name, layout.staging);
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
