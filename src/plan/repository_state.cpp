#include "plan/repository_state.hpp"

#include "pgbackrest/segment_fetch.hpp"
#include "plan/backup_choice.hpp"
#include "plan/clusters.hpp"
#include "plan/target_search.hpp"
#include "plan/timeline_choice.hpp"
#include "process/child.hpp"
#include "system/log.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <optional>

namespace patroni_pgbackrest {

namespace {

/// The first segment's own header decides where the backup leaves several sizes.
postgres::SegmentSize segment_size_in_force(const Request& request, const pgbackrest::Backup& backup,
                                            const RepositoryState& state) {
    const auto possible = pgbackrest::possible_segment_sizes(backup);
    if (possible.size() < 2) {
        return possible.empty() ? state.stanza.segment_size : possible.front();
    }
    const auto is_possible = [&](postgres::SegmentSize size) {
        return std::find(possible.begin(), possible.end(), size) != possible.end();
    };
    std::optional<postgres::SegmentSize> told;
    if (const auto first = state.archive.segments.find(backup.archive_start)) {
        could_read([&] { told = pgbackrest::segment_size_in(request.pgbackrest, *first, request.retry); });
    }
    if (told && is_possible(*told)) {
        return *told;
    }
    const auto assumed = is_possible(state.stanza.segment_size) ? state.stanza.segment_size : possible.front();
    log::warning(
        "WAL segment {}, which backup set {} begins in, does not tell the size of WAL segments: assuming {} MB",
        backup.archive_start, backup.label, assumed.bytes >> 20);
    return assumed;
}

/// From that backup set on.
void read_wal(const Request& request, const pgbackrest::Backup& backup, const SettledCluster& settled,
              const RejectedRuns& rejected, RepositoryState& state) {
    state.archive =
        pgbackrest::read_archive(request.pgbackrest, state.stanza.archives, backup.archive_start, request.retry);
    if (rejected.system_identifier == settled.cluster.system_identifier) {
        state.archive.rejected = rejected_timelines(state.archive, rejected);
    }
    state.stanza.segment_size = segment_size_in_force(request, backup, state);
    state.wal = std::make_shared<RepositoryWal>(request.pgbackrest, request.retry, state.archive,
                                                state.stanza.segment_size, settled.cluster.system_identifier);
}

/// Which timelines are rejected is known when the archive is read, from the chosen set on: another choice reads it
/// anew. The query runs beside the listing.
std::unique_ptr<pgbackrest::TargetsQuery> choose_and_read(const Request& request, const SettledCluster& settled,
                                                          const RejectedRuns& rejected, RepositoryState& state) {
    auto offered = state.stanza;
    std::optional<pgbackrest::Backup> passed_over;
    const auto choose = [&] {
        return passed_over ? choose_instead_of(*passed_over, request, offered, settled.others)
                           : choose_backup(request, offered, settled.others);
    };
    for (;;) {
        const auto candidates = candidates_for(request, offered);
        const bool searches = needs_search(request, candidates);
        auto backup = searches ? candidates.front() : choose();
        auto targets = searches ? nullptr : std::make_unique<pgbackrest::TargetsQuery>(request.pgbackrest, backup);
        read_wal(request, backup, settled, rejected, state);
        const auto on_rejected = sets_on_rejected(request, candidates, state.archive.rejected);
        const bool is_out = !sets_on_rejected(request, {backup}, state.archive.rejected).empty();
        if (on_rejected.empty() || !(searches || is_out)) {
            if (searches) {
                state.found_backup = find_backup_before_target(request, candidates, state);
                backup = state.found_backup ? *state.found_backup : choose();
                targets = std::make_unique<pgbackrest::TargetsQuery>(request.pgbackrest, backup);
            }
            state.found_backup = backup;
            return targets;
        }
        passed_over = searches ? on_rejected.back() : backup;
        log::warning("backup set {} was made on timeline {}, which was begun by a restore that Patroni gave up: passed "
                     "over; if it is meant, say set: {}",
                     passed_over->label, starting_timeline(*passed_over).text(), passed_over->label);
        std::erase_if(offered.backups, [&](const auto& one) {
            return std::any_of(on_rejected.begin(), on_rejected.end(),
                               [&](const auto& other) { return other.label == one.label; });
        });
    }
}

}  // namespace

pgbackrest::Backup backup_of(const Request& request, const RepositoryState& repository) {
    return repository.found_backup ? *repository.found_backup : choose_backup(request, repository.stanza);
}

void require_pgbackrest(const Request& request) {
    if (!process::find_executable(request.pgbackrest.program)) {
        throw Failure(ExitCode::preflight_refused,
                      fmt::format("the program '{}' was not found", request.pgbackrest.program),
                      "install pgBackRest 2.33 or later, or name its program with the option pgbackrest");
    }
}

/// archive-push reports an error for as long as one of its repositories is missing the stanza, so no working cluster
/// archives into such a one; and one that is not mounted looks the same. A repository without a backup has an archive.
void require_whole_archive(const Request& request, const pgbackrest::Stanza& stanza) {
    using Status = pgbackrest::RepositoryStatus;
    if (request.repository) {
        return;
    }
    for (const auto& repository : stanza.repositories) {
        if (repository.code == Status::out_of_reach) {
            throw Failure(ExitCode::repository_unreachable,
                          fmt::format("repository {} of stanza {} is out of reach, so the end of the archive is not "
                                      "known: {}",
                                      repository.key, stanza.name, repository.message),
                          "bring it back, or name the repository that is to be restored from with repo");
        }
        if (Status::lacks_stanza(repository.code)) {
            throw Failure(ExitCode::repository_unreachable,
                          fmt::format("repository {} does not have stanza {}, so the end of the archive is not known: "
                                      "{}",
                                      repository.key, stanza.name, repository.message),
                          "mount it, or correct its path, if WAL was archived into it; else name the repository that "
                          "is to be restored from with repo");
        }
    }
}

pgbackrest::Stanza read_stanza(const Request& request) {
    auto stanza = pgbackrest::info(request.pgbackrest, request.repository, request.retry);
    require_whole_archive(request, stanza);
    return stanza;
}

RepositoryState read_repository(const Request& request, const RejectedRuns& rejected) {
    const auto stanza = read_stanza(request);
    return read_repository(request, stanza, settle_cluster(request, stanza), rejected);
}

RepositoryState read_repository(const Request& request, const pgbackrest::Stanza& stanza, const SettledCluster& settled,
                                const RejectedRuns& rejected) {
    RepositoryState state;
    OtherRepositories others(request);
    state.stanza = only(settled.cluster, stanza);
    if (!settled.cluster.is_current) {
        log::warning("stanza {} archives for another cluster now: archive_command will fail until pgbackrest "
                     "stanza-upgrade was run beside the restored one",
                     stanza.name);
    }
    const auto targets = choose_and_read(request, settled, rejected, state);
    state.targets = targets->answer(request.retry);
    state.elsewhere = others.answer(settled.cluster);
    return state;
}

}  // namespace patroni_pgbackrest
