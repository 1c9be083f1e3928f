#include "staging/staging.hpp"

#include "process/process_tree.hpp"
#include "staging/hand_over.hpp"
#include "staging/memory.hpp"
#include "staging/places.hpp"
#include "staging/rejected_directory.hpp"
#include "system/clone_tree.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <chrono>
#include <fmt/format.h>
#include <utility>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

/// What is in place already is whole, and only its hand-over is finished.
void refuse_data_that_is_not_ours(const Layout& layout) {
    if (!hand_over_is_done(layout)) {
        refuse_somebodys_data(layout);
    }
}

/// What was handed over belongs to its cluster now, tablespaces included; so does what is gone since.
bool is_over(const Journal& journal, const Layout& layout) {
    return journal.phase == Phase::handed_over ||
           (journal.phase == Phase::handing_over && !fs::exists(layout.staging) && !hand_over_is_done(layout));
}

/// Whether a copy has begun, or a directory that was named has become the staging directory.
bool is_begun(const Journal& journal, const Layout& layout) {
    return !journal.only_planned() || (journal.may_have_staging() && !system::is_empty_or_absent(layout.staging));
}

void refuse_another_cluster(const Journal& journal, const Plan& plan, const fs::path& staging) {
    if (!journal.system_identifier.empty() && journal.system_identifier != plan.database.system_identifier &&
        !system::is_empty_or_absent(staging)) {
        throw Failure(ExitCode::unsafe,
                      fmt::format("staging directory {} belongs to another cluster (system identifier {}, not {})",
                                  staging.string(), journal.system_identifier, plan.database.system_identifier),
                      "move it away yourself if it is not needed");
    }
}

/// A snapshot of a node's disk that is attached to another node, while the first one may go on as well.
void refuse_another_member(const Request& request, const Journal& earlier, const Layout& layout) {
    const auto member = member_of(request);
    if (member.empty() || earlier.member.empty() || member == earlier.member) {
        return;
    }
    const auto& directory = hand_over_is_done(layout) ? layout.data_directory : layout.staging;
    throw Failure(
        ExitCode::unsafe,
        fmt::format("{} is an unfinished restore of member {}, and this is {}", directory.string(), earlier.member,
                    member),
        fmt::format("if no other node has it, rm -r {} {} and run it again; else give this node a disk of its own",
                    system::shell_word(layout.workspace.string()), system::shell_word(directory.string())));
}

/// What was copied from elsewhere, or is of another scope, is from now on this restore's, but nothing outside of it.
void take_over_copy(Journal& earlier, const Request& request, const Layout& layout) {
    if (!earlier.scope.empty() && earlier.scope != request.scope) {
        earlier.take_as_copy();
    }
    if (!earlier.is_copy) {
        return;
    }
    log::warning("{} was copied from elsewhere, or is of another scope: its tablespaces and links are not taken for "
                 "this restore's, and what lies beside it is checked against the backup",
                 layout.journal().string());
    system::remove_file(layout.staging / made_places_file);
    if (earlier.phase == Phase::handing_over && !hand_over_is_done(layout)) {
        earlier.phase = Phase::copying;
    }
    earlier.is_copy = false;
}

/// Of another request, while a hand-over is to be finished. What pgBackRest's files say since, of where a tablespace
/// goes for example, comes too late for what is there.
void refuse_other_call(const Request& request, const Journal& earlier, const Layout& layout) {
    const auto& call = earlier.of_patroni;
    if (call && !call->given.empty() && call->given == patronis_call(request).given) {
        return;
    }
    throw Failure(ExitCode::unsafe,
                  fmt::format("an earlier restore with another request was interrupted while its data went to {}: {}",
                              layout.data_directory.string(), earlier.request),
                  "run it again with that request, or move the data directory and the staging directory away");
}

}  // namespace

StagingDirectory::StagingDirectory(const Request& request)
    : layout_(choose_layout(request.data_directory)), circumstances_(circumstances_of(request)) {
    refuse_data_that_is_not_ours(layout_);
    make_private(layout_.workspace);
    lock_.emplace(layout_.lock());
    const auto left = process::end_processes_with("--lock-path=" + layout_.pgbackrest_lock().string(), 2s);
    if (left > 0) {
        log::info("{} pgbackrest processes of an earlier run were still there: ended", left);
    }
    auto journal = Journal::read(layout_.journal());
    if (journal && journal->went_back_to(layout_.staging)) {
        journal->phase = Phase::handing_over;
    }
    of_patroni_ = journal ? journal->last_call().of_patroni : std::nullopt;
    if (journal && is_begun(*journal, layout_) && !is_over(*journal, layout_)) {
        earlier_ = std::move(journal);
    }
    // Looked at again under the lock: the instance that was waited for may have filled it.
    refuse_data_that_is_not_ours(layout_);
    look_at_earlier_run(request);
    write_errors_.watch(layout_.workspace);
    for (const auto& place : journal_.places) {
        write_errors_.watch(place.path);
    }
}

void StagingDirectory::look_at_earlier_run(const Request& request) {
    const auto identity = identity_of(request);
    if (earlier_) {
        refuse_another_member(request, *earlier_, layout_);
        take_over_copy(*earlier_, request, layout_);
        journal_ = *earlier_;
    } else {
        journal_.scope = request.scope;
        journal_.request = identity;
    }
    if (journal_.request == identity) {
        journal_.of_patroni = of_patroni_;
    }
    if (const auto member = member_of(request); !member.empty()) {
        journal_.member = member;
    }
    if (!earlier_ || earlier_->request == identity) {
        return;
    }
    if (hand_over_is_done(layout_)) {
        return refuse_other_call(request, *earlier_, layout_);
    }
    log::info("an earlier run asked for something else ({}): its copy is kept as far as it fits", earlier_->request);
    earlier_.reset();
    journal_.hand_overs = 0;
}

void StagingDirectory::begin_copy(const Request& request, const Plan& plan, const std::vector<fs::path>& outside) {
    refuse_another_cluster(journal_, plan, layout_.staging);
    hold(outside);
    journal_.places.add(made_places(layout_.staging).owned());
    journal_.places.claim(outside);
    empty_made_places(journal_.places, outside, plan.major_version);
    system::remove_file(layout_.staging / made_places_file);
    journal_.scope = request.scope;
    journal_.request = identity_of(request);
    journal_.of_patroni = of_patroni_;
    journal_.backup_set = plan.backup.label;
    journal_.system_identifier = plan.database.system_identifier;
    journal_.rejected_timelines = still_rejected(Journal::read(layout_.journal()), plan);
    journal_.handed_over.reset();
    journal_.begun_timeline.reset();
    journal_.followed.clear();
    journal_.goal.reset();
    journal_.reached.reset();
    enter(Phase::copying);
    make_private(layout_.staging);
    if (system::is_empty_or_absent(layout_.staging)) {
        // The hand-over puts it in the place of an empty data directory, which was prepared.
        system::take_over_nodatacow(layout_.data_directory, layout_.staging);
    }
}

void StagingDirectory::note_places(const std::vector<fs::path>& outside) {
    hold(outside);
    journal_.places.claim(outside);
    enter(Phase::copying);
}

/// Two restores that find the same empty directory would both take it for their own.
void StagingDirectory::hold(const std::vector<fs::path>& outside) {
    for (const auto& place : outside) {
        if (!held_places_.take(place)) {
            throw Failure(ExitCode::unsafe,
                          fmt::format("{} is held by another restore that runs on this machine", place.string()),
                          "wait for it to end, or give one of the two another place with tablespace-map or link-map");
        }
        write_errors_.watch(place);
    }
}

void StagingDirectory::enter(Phase phase) {
    journal_.phase = phase;
    journal_.boot = boot_of(layout_.staging, journal_.places);
    journal_.given_up = false;
    journal_.planning.reset();
    if (phase != Phase::handed_over) {
        journal_.places.note_births();
    }
    journal_.save(layout_.journal());
}

}  // namespace patroni_pgbackrest
