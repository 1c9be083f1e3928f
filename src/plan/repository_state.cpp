#include "plan/repository_state.hpp"

#include "plan/backup_choice.hpp"
#include "plan/clusters.hpp"
#include "plan/target_search.hpp"
#include "process/child.hpp"
#include "system/log.hpp"

#include <fmt/format.h>

namespace patroni_pgbackrest {

namespace {

/// With a repository out of reach nobody knows where the archive ends, and the one that is left may lag behind.
void require_whole_archive(const Request& request, const pgbackrest::Stanza& stanza) {
    constexpr int out_of_reach = 99;
    for (const auto& repository : stanza.repositories) {
        if (repository.code == out_of_reach && !request.repository && !request.target.is_immediate()) {
            throw Failure(ExitCode::repository_unreachable,
                          fmt::format("repository {} of stanza {} is out of reach, so the end of the archive is not "
                                      "known: {}",
                                      repository.key, stanza.name, repository.message),
                          "bring it back, or name the repository that is to be restored from with repo");
        }
    }
}

/// From that backup set on.
void read_wal(const Request& request, const pgbackrest::Backup& backup, const SettledCluster& settled,
              const RejectedRuns& rejected, RepositoryState& state) {
    state.archive =
        pgbackrest::read_archive(request.pgbackrest, state.stanza.archives, backup.archive_start, request.retry);
    if (rejected.system_identifier == settled.cluster.system_identifier) {
        state.archive.rejected = rejected_timelines(state.archive, rejected);
    }
    state.wal = std::make_shared<RepositoryWal>(request.pgbackrest, request.retry, state.archive,
                                                pgbackrest::segment_size_of(backup).value_or(state.stanza.segment_size),
                                                settled.cluster.system_identifier);
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
    const auto candidates = candidates_for(request, state.stanza);
    if (needs_search(request, candidates)) {
        read_wal(request, candidates.front(), settled, rejected, state);
        state.found_backup = find_backup_before_target(request, candidates, state);
    }
    const auto backup = state.found_backup ? *state.found_backup : choose_backup(request, state.stanza, settled.others);
    // Runs beside the listing.
    pgbackrest::TargetsQuery targets(request.pgbackrest, backup);
    if (!state.wal) {
        read_wal(request, backup, settled, rejected, state);
    }
    state.targets = targets.answer(request.retry);
    state.elsewhere = others.answer(settled.cluster);
    return state;
}

}  // namespace patroni_pgbackrest
