#include "plan/window.hpp"

#include "plan/backup_choice.hpp"
#include "plan/timeline_choice.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <random>
#include <utility>

namespace patroni_pgbackrest {

Window find_window(const Plan& plan, const RepositoryState& repository) {
    const auto& first = repository.stanza.backups.front();
    Window window;
    window.begin = reachable_from(first);
    window.first_set = first.label;
    window.wal =
        plan_wal(plan.backup, RecoveryTarget{Latest{}}, plan.history, repository.archive.segments, plan.segment_size);
    auto last = find_last_ends(window.wal, repository.archive, *repository.wal, plan.segment_size).commit;
    window.gave_up = last.gave_up;
    if (last.thing && !(plan.backup.lsn_stop && last.thing->at < *plan.backup.lsn_stop)) {
        window.last_commit = std::move(last.thing);
    }
    return window;
}

std::optional<RecoveryTarget> random_moment(const Window& window, std::uint64_t seed) {
    using Moment = std::chrono::sys_time<std::chrono::microseconds>;
    const Moment begin{std::chrono::seconds(window.begin)};
    if (!window.last_commit || window.last_commit->latest_end <= begin) {
        return std::nullopt;
    }
    const auto span = static_cast<std::uint64_t>((window.last_commit->latest_end - begin).count());
    // The distributions of <random> differ from library to library, this engine does not.
    std::mt19937_64 engine(seed);
    const auto chosen = static_cast<std::int64_t>(engine() % span);
    return RecoveryTarget{Time{begin + std::chrono::microseconds(chosen)}};
}

std::optional<Request> on_the_way(const Request& request, const Time& time, const Plan& plan,
                                  const RepositoryState& repository) {
    const auto& backups = repository.stanza.backups;
    const auto set = std::find_if(backups.rbegin(), backups.rend(), [&](const pgbackrest::Backup& backup) {
        const std::chrono::sys_seconds first{std::chrono::seconds(reachable_from(backup))};
        return (!request.repository || backup.repository == *request.repository) && !backup.archive_start.empty() &&
               first <= time.at && descends_from(plan.history, backup);
    });
    if (set == backups.rend()) {
        return std::nullopt;
    }
    auto told = request;
    told.target = RecoveryTarget{time};
    told.backup_set = set->label;
    told.timeline = TimelineWish{plan.timeline()};
    return told;
}

std::string window_text(const Plan& plan, const RepositoryState& repository) {
    return window_text(find_window(plan, repository), plan);
}

std::string window_text(const Window& window, const Plan& plan) {
    const auto begin = fmt::format("{} (end of backup set {})", instant(window.begin), window.first_set);
    if (window.last_commit) {
        return fmt::format("{} to the {}", begin, window.last_commit->text());
    }
    return window.gave_up
               ? fmt::format("{} to WAL segment {} (the last commit was not looked for further back than {} segments)",
                             begin, window.wal.last(), most_segments_to_search(plan.segment_size))
               : fmt::format("{} to the end of backup set {} (no commit behind it)", begin, plan.backup.label);
}

}  // namespace patroni_pgbackrest
