#include "plan/plan.hpp"

#include "plan/branches.hpp"
#include "plan/clusters.hpp"
#include "plan/forks.hpp"
#include "plan/reachability.hpp"
#include "plan/timeline_choice.hpp"
#include "plan/timelines.hpp"
#include "system/log.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace patroni_pgbackrest {

namespace {

void follow_timeline(const Request& request, const RepositoryState& repository, Plan& plan) {
    const auto choice = choose_timeline(request, plan.backup, repository.stanza.backups, repository.archive,
                                        *repository.wal, plan.segment_size);
    plan.history = choice.history;
    plan.other_timelines = choice.others;
    plan.newest_timeline = choice.newest;
    plan.reason_for_timeline = choice.reason;
    for (const auto& [timeline, checksum] : plan.rejected_timelines) {
        if (timeline > plan.timeline()) {
            plan.reason_for_timeline += fmt::format(
                "; timeline {} was begun by a restore that Patroni gave up, and is followed only with target-timeline",
                timeline.text());
        }
    }
    plan.explicit_timeline = request.timeline && !std::holds_alternative<Latest>(request.timeline->choice);
}

pgbackrest::ArchiveEnd end_of_archive(const RepositoryState& repository) {
    pgbackrest::ArchiveEnd end;
    end.archives = repository.stanza.archives;
    end.last_segments = repository.archive.last_segments;
    end.directories = repository.archive.directories;
    for (const auto& [timeline, history] : repository.archive.histories) {
        end.histories.insert(timeline);
    }
    return end;
}

/// PostgreSQL ends at the first record that begins at the target LSN or behind it, and reads all of it. After a segment
/// switch, or a record that crosses the segment's end, that is in a later segment than the LSN; it may end in one
/// itself.
void follow_wal(const Request& request, const RepositoryState& repository, Plan& plan) {
    const auto proven = proven_segment(plan.history, repository.archive, repository.stanza.backups, plan.segment_size);
    const auto planned_to = [&](const RecoveryTarget& target) {
        return plan_wal(plan.backup, target, plan.history, repository.archive.segments, plan.segment_size, proven);
    };
    plan.wal = planned_to(request.target);
    const auto* target = std::get_if<LsnTarget>(&request.target.point);
    while (target != nullptr && plan.wal.missing.empty()) {
        const auto last = *postgres::Segment::parse(plan.wal.last(), plan.segment_size);
        const auto end = last.end(plan.segment_size);
        const auto reaches_further = [&] { return planned_to({LsnTarget{end}}).segments > plan.wal.segments; };
        if (last.number < target->lsn.value / plan.segment_size.bytes || !reaches_further()) {
            return;
        }
        // Before the facts, with which the segment behind takes this one's place.
        const auto record = repository.wal->first_record_from(plan.wal.last(), target->lsn);
        if (has_record_from(repository.wal->facts(plan.wal.last()), target->lsn)) {
            if (record && record->end > end) {
                plan.wal = planned_to({LsnTarget{postgres::Lsn{record->end.value - 1}}});
            }
            return;
        }
        end_in_last_segment(plan, *repository.wal);  // a damaged record is the reason then
        plan.wal = planned_to({LsnTarget{end}});
    }
}

/// Only what the target is compared to: each look costs a segment.
void look_for_last_commit(const Request& request, const RepositoryState& repository, Plan& plan) {
    const auto& point = request.target.point;
    const bool is_time = std::holds_alternative<Time>(point);
    if (!is_time && !(request.nearest && std::holds_alternative<LsnTarget>(point))) {
        return;
    }
    const auto ends = find_last_ends(plan.wal, repository.archive, *repository.wal, plan.segment_size);
    auto found = ends.commit;
    if (found.thing && plan.backup.lsn_stop && found.thing->at < *plan.backup.lsn_stop) {
        found.thing.reset();
    }
    if (found.gave_up) {
        return;
    }
    plan.last_commit = std::move(found.thing);
    // An abort ends the replay to a time as well.
    plan.has_no_commit = !plan.last_commit && !(is_time && ends_replay(request.target, ends.latest));
    if (plan.last_commit && !(is_time && ends_replay(request.target, plan.last_commit->latest_end))) {
        // The clock of the server before may have been ahead.
        Branches branches(repository.archive, *repository.wal, plan.segment_size);
        for (const auto& fork : plan.history.forks) {
            for (const auto& end :
                 {branches.last_commit_before(fork.parent, fork.at), branches.latest_end_at(fork.at)}) {
                plan.last_commit->latest_end =
                    std::max(plan.last_commit->latest_end, end.value_or(postgres::WalTime{}));
            }
        }
    }
}

/// Whether another branch was written to after the last commit on the way: then nobody knows what the last one is.
bool another_goes_on(const RepositoryState& repository, const Plan& plan) {
    Branches branches(repository.archive, *repository.wal, plan.segment_size);
    const auto moment = plan.last_commit ? std::optional(plan.last_commit->latest_end) : std::nullopt;
    return std::any_of(plan.other_timelines.begin(), plan.other_timelines.end(), [&](postgres::Timeline other) {
        return branches.was_written_after(other, plan.history, moment);
    });
}

/// A target behind the last commit means that commit, and so all there is: what may follow it are transactions that
/// were prepared and not yet ended.
RecoveryTarget nearest_target(const Request& request, const RepositoryState& repository, const Plan& plan) {
    if (!request.nearest || !is_unreachable(request.target, plan, *repository.wal) ||
        another_goes_on(repository, plan)) {
        return request.target;
    }
    log::warning("the target {} lies behind the {}: restored to that, as nearest says", request.target.text(),
                 plan.last_commit ? plan.last_commit->text()
                                  : fmt::format("end of backup set {}, and no commit follows it", plan.backup.label));
    RecoveryTarget end{Latest{}};
    end.ends_with_plan = true;
    return end;
}

}  // namespace

std::string Plan::last_segment() const {
    const auto last = postgres::Segment::parse(wal.last(), segment_size);
    return wal_end && last ? postgres::Segment::containing(last->timeline, *wal_end, segment_size).name(segment_size)
                           : wal.last();
}

std::optional<postgres::Lsn> Plan::end_of_wal() const {
    const auto last = postgres::Segment::parse(wal.last(), segment_size);
    return wal_end ? wal_end : last ? std::optional(last->end(segment_size)) : std::nullopt;
}

Plan make_plan(const Request& request, const RepositoryState& repository) {
    Plan plan;
    plan.backup = backup_of(request, repository);
    plan.database = database_of(repository.stanza, plan.backup);
    plan.major_version = supported_major(plan.database);
    plan.segment_size = pgbackrest::segment_size_of(plan.backup).value_or(repository.stanza.segment_size);
    plan.targets = repository.targets;
    plan.archive_end = end_of_archive(repository);
    plan.rejected_timelines = repository.archive.rejected;
    follow_timeline(request, repository, plan);
    require_one_past(request, plan, repository.archive, repository.stanza.backups);
    require_histories(plan.timeline(), repository.archive, repository.stanza.backups,
                      pgbackrest::push_by_hand(request.pgbackrest));
    require_no_newer_elsewhere(plan.history, repository.archive, repository.elsewhere, request.pgbackrest);
    for (const auto& warning : other_pasts(plan.history, repository.elsewhere, request.pgbackrest)) {
        log::warning("{}", warning);
    }
    require_agreement(plan.history, repository.archive);
    follow_wal(request, repository, plan);
    if (plan.backup.in_error) {
        log::warning("backup set {} has pages with bad checksums", plan.backup.label);
    }
    look_for_last_commit(request, repository, plan);
    plan.target = nearest_target(request, repository, plan);
    if (is_unreachable(request.target, plan, *repository.wal)) {
        end_in_last_segment(plan, *repository.wal);  // a damaged record is the reason then
    }
    require_sound_forks(plan.target, plan, repository.archive, *repository.wal, request.pgbackrest);
    require_reachable(plan.target, plan, repository.archive, *repository.wal);
    if (plan.target.is_latest()) {
        refuse_end_in_partial(plan, repository.archive, *repository.wal, request.pgbackrest);
        plan.wal_end = end_in_last_segment(plan, *repository.wal);
    }
    if (!plan.wal.missing.empty()) {
        log::warning("WAL segment {} is missing from the archive: the recovery is aborted should it be needed before "
                     "the target is reached",
                     plan.wal.missing_text());
    }
    return plan;
}

}  // namespace patroni_pgbackrest
