#include "plan/plan.hpp"

#include "plan/backup_choice.hpp"
#include "plan/clusters.hpp"
#include "plan/reachability.hpp"
#include "plan/timeline_choice.hpp"
#include "plan/timelines.hpp"
#include "system/log.hpp"

namespace patroni_pgbackrest {

namespace {

void follow_timeline(const Request& request, const pgbackrest::ArchiveContent& archive, Plan& plan) {
    const auto choice =
        choose_timeline(request, plan.backup, starting_timeline(plan.backup), archive, plan.segment_size);
    plan.history = choice.history;
    plan.newest_timeline = choice.newest;
    plan.reason_for_timeline = choice.reason;
    plan.explicit_timeline = request.timeline && !std::holds_alternative<Latest>(request.timeline->choice);
}

pgbackrest::ArchiveEnd end_of_archive(const RepositoryState& repository) {
    pgbackrest::ArchiveEnd end;
    end.archives = repository.stanza.archives;
    end.last_segments = repository.archive.last_segments;
    for (const auto& [timeline, history] : repository.archive.histories) {
        end.histories.insert(timeline);
    }
    return end;
}

}  // namespace

Plan make_plan(const Request& request, const RepositoryState& repository) {
    Plan plan;
    plan.backup = choose_backup(request, repository.stanza);
    plan.database = database_of(repository.stanza, plan.backup);
    plan.major_version = supported_major(plan.database);
    plan.segment_size = pgbackrest::segment_size_of(plan.backup).value_or(repository.stanza.segment_size);
    plan.targets = repository.targets;
    plan.archive_end = end_of_archive(repository);
    follow_timeline(request, repository.archive, plan);
    require_histories(plan.timeline(), repository.archive, repository.stanza.backups);
    plan.wal = plan_wal(plan.backup, request.target, plan.history, repository.archive.segments, plan.segment_size);
    if (plan.backup.in_error) {
        log::warning("backup set {} has pages with bad checksums", plan.backup.label);
    }
    require_reachable(request.target, plan);
    if (!plan.wal.missing.empty()) {
        log::warning("WAL segment {} is missing from the archive: the recovery is aborted should it be needed before "
                     "the target is reached",
                     plan.wal.missing_text());
    }
    return plan;
}

}  // namespace patroni_pgbackrest
