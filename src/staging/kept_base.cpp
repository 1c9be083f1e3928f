#include "staging/kept_base.hpp"

#include "staging/memory.hpp"
#include "staging/places.hpp"
#include "system/clone_tree.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/interruption.hpp"
#include "system/log.hpp"
#include "system/refusal.hpp"
#include "system/remove_tree.hpp"
#include "system/text.hpp"

#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <system_error>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

/// Of a disk: it takes a moment until somebody looks, and in that time a replay writes.
constexpr std::uintmax_t least_free = 1ULL << 30;
constexpr unsigned least_share = 20;
constexpr const char* nearly_full = "less than 1 GiB or 5 % of the disk is free";

CopyFacts look_at_copy(const Request& request, const StagingDirectory& staging) {
    const auto& workspace = staging.layout().workspace;
    return {.is_rehearsal = request.scratch.has_value(),
            .is_replayed_here = request.recovery == Recovery::standalone,
            .has_places = !links_of(staging.path()).empty(),
            .can_clone = system::can_clone(workspace),
            .disk = fs::space(workspace)};
}

KeptBase look_at_base(const Request& request, const Plan& plan, const Layout& layout) {
    return {identity_of_copy(request, plan), boot_of(layout.base()), system::birth_of(layout.base()).value_or("")};
}

/// Where another mount of the disk would not be noticed it is flushed, as pgBackRest's copy is there.
void clone_whole(const fs::path& from, const fs::path& to) {
    system::clone_tree(from, to);
    if (!tells_mounts_apart(to)) {
        system::sync_tree({to});
    }
}

/// What it failed with; an interruption goes on as the exception that it is.
std::string words_of(const std::exception& error) {
    const auto failure = system::unexpected(error);
    if (is_interruption(failure.code())) {
        throw Failure(failure);
    }
    return failure.what();
}

/// False when something is left: it was stopped, or failed with `error`.
bool remove_base_while(const Layout& layout, const std::function<bool()>& may_go_on, std::error_code& error) {
    if (!system::remove_tree(layout.unwanted_base(), may_go_on, error)) {
        return false;
    }
    std::error_code ignored;
    if (!fs::exists(layout.base(), ignored)) {
        return true;
    }
    // Whole or not at all: one that is removed by half is never taken for it.
    fs::rename(layout.base(), layout.unwanted_base(), error);
    return !error && system::remove_tree(layout.unwanted_base(), may_go_on, error);
}

/// Whether it is noted no longer, for want of room: it is to be removed then.
bool gives_way(const fs::space_info& disk, StagingDirectory& staging) {
    if (!staging.journal().base || !is_short_of_room(disk)) {
        return false;
    }
    log::info("{}: the clone of the copy is removed", nearly_full);
    staging.journal().base.reset();  // written with the next phase
    return true;
}

void leave_base(StagingDirectory& staging) {
    staging.journal().base.reset();  // written with the next phase
    remove_base(staging.layout());
}

/// Of what is there.
std::string how_to_remove(const Layout& layout) {
    std::string command = "rm -r";
    for (const auto& path : {layout.base(), layout.unwanted_base()}) {
        std::error_code error;
        if (fs::exists(path, error)) {
            command += " " + system::shell_word(path.string());
        }
    }
    return command;
}

}  // namespace

std::string why_not_kept(const CopyFacts& facts) {
    if (facts.is_rehearsal) {
        return "it is a rehearsal's";
    }
    if (!facts.is_replayed_here) {
        return "Patroni's PostgreSQL replays, after the hand-over";
    }
    if (facts.has_places) {
        return "a part of it lies in tablespaces or links, outside of the staging directory";
    }
    if (!facts.can_clone) {
        return "the file system of the staging directory has no clones (reflinks)";
    }
    return is_short_of_room(facts.disk) ? nearly_full : "";
}

bool is_short_of_room(const fs::space_info& disk) {
    return disk.available < least_free || disk.available < disk.capacity / least_share;
}

std::string identity_of_copy(const Request& request, const Plan& plan) {
    const auto& backup = plan.backup;
    auto identity = fmt::format("stanza {}, backup set {} of repository {}, made from {} to {}, system identifier {}, "
                                "program {}",
                                request.pgbackrest.stanza, backup.label, backup.repository, backup.started,
                                backup.stopped, plan.database.system_identifier, PATRONI_PGBACKREST_VERSION);
    for (const auto& option : request.restore_options) {
        identity += fmt::format(" {}={}", option.name, option.value);
    }
    return identity;
}

bool is_still(const KeptBase& kept, const KeptBase& seen) {
    return kept.copy == seen.copy && !kept.boot.empty() && kept.boot == seen.boot && !kept.birth.empty() &&
           system::is_same_birth(kept.birth, seen.birth);
}

bool has_base(const Request& request, const Plan& plan, const StagingDirectory& staging) {
    const auto& kept = staging.journal().base;
    return kept && is_still(*kept, look_at_base(request, plan, staging.layout()));
}

void keep_base(const Request& request, const Plan& plan, StagingDirectory& staging) {
    const auto& layout = staging.layout();
    try {
        if (const auto why = why_not_kept(look_at_copy(request, staging)); !why.empty()) {
            log::debug("no clone of the copy is kept: {}", why);
            return;
        }
        clone_whole(layout.staging, layout.base());
        staging.journal().base = look_at_base(request, plan, layout);
        staging.enter(Phase::copied);
        log::info("a clone of the copy is kept until the hand-over: another target begins with it");
    } catch (const std::exception& error) {
        log::info("no clone of the copy is kept: {}", words_of(error));
        leave_base(staging);
    }
}

bool take_base(StagingDirectory& staging) {
    const auto& layout = staging.layout();
    try {
        std::error_code error;
        fs::remove_all(layout.staging, error);
        if (error) {
            throw system::refused("remove", layout.staging, error.value());
        }
        clone_whole(layout.base(), layout.staging);
        if (auto& base = staging.journal().base) {
            base->was_taken = true;  // written with the next phase
        }
        return true;
    } catch (const std::exception& error) {
        log::warning("the clone of an earlier copy cannot be used, and the backup is copied again: {}",
                     words_of(error));
        leave_base(staging);
        return false;
    }
}

void leave_unfit_base(const Request& request, const Plan& plan, StagingDirectory& staging) {
    if (!has_base(request, plan, staging)) {
        leave_base(staging);
    }
}

void BaseRemoval::look() {
    std::error_code error;
    look(fs::space(staging_.layout().workspace, error));  // of an error as if it had room
}

void BaseRemoval::look(const fs::space_info& disk) {
    constexpr std::chrono::milliseconds at_a_time(100);
    const auto until = std::chrono::steady_clock::now() + at_a_time;
    // Another copy may have been made and kept since: that one is not to be removed.
    is_under_way_ = gives_way(disk, staging_) || (is_under_way_ && !staging_.journal().base);
    if (!is_under_way_) {
        return;
    }
    std::error_code error;
    const auto is_in_time = [&] { return std::chrono::steady_clock::now() < until; };
    is_under_way_ = !remove_base_while(staging_.layout(), is_in_time, error) && !error;
}

bool is_doubtful(const KeptBase& base, ExitCode code) {
    return base.was_taken && code == ExitCode::replay_failed;
}

void leave_base_after(ExitCode code, StagingDirectory& staging) {
    const auto& base = staging.journal().base;
    if (base && is_doubtful(*base, code)) {
        log::info("the replay of the cloned copy failed as well: the next run checks it against the backup");
        staging.journal().base.reset();
        // The staging directory shares the damage, whatever is asked for next.
        staging.enter(Phase::copying);
    } else {
        std::error_code error;
        gives_way(fs::space(staging.layout().workspace, error), staging);
    }
    if (!staging.journal().base) {
        remove_base(staging.layout());
    }
}

void remove_base(const Layout& layout) {
    std::error_code error;
    const auto may_go_on = [] { return !interruption::requested(); };
    if (!remove_base_while(layout, may_go_on, error)) {
        log::write(Problem{fmt::format("the clone of the copy in {} is not removed: {}", layout.workspace.string(),
                                       error ? error.message() : "interrupted"),
                           "unless a restore goes on there, remove it, since it takes room that grows: " +
                               how_to_remove(layout)},
                   log::Level::warning);
    }
}

std::optional<Problem> forgotten_base(const Layout& layout, const Journal& journal) {
    std::error_code error;
    const bool counts_for_nothing = journal.phase == Phase::handed_over && !journal.planning && !journal.base;
    if (!counts_for_nothing || (!fs::exists(layout.base(), error) && !fs::exists(layout.unwanted_base(), error))) {
        return std::nullopt;
    }
    return Problem{fmt::format("a clone of the restored copy is left in {}: with each page that the cluster writes it "
                               "takes more room",
                               layout.workspace.string()),
                   "unless the restore still removes it, run " + how_to_remove(layout)};
}

}  // namespace patroni_pgbackrest
