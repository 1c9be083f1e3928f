#include "plan/window.hpp"

#include "plan/backup_choice.hpp"

#include <fmt/format.h>

namespace patroni_pgbackrest {

std::string window_text(const Plan& plan, const RepositoryState& repository) {
    const auto& first = repository.stanza.backups.front();
    const auto begin = fmt::format("{} (end of backup set {})", instant(reachable_from(first)), first.label);
    const auto whole =
        plan_wal(plan.backup, RecoveryTarget{Latest{}}, plan.history, repository.archive.segments, plan.segment_size);
    const auto last = find_last_ends(whole, repository.archive, *repository.wal, plan.segment_size).commit;
    if (last.thing && !(plan.backup.lsn_stop && last.thing->at < *plan.backup.lsn_stop)) {
        return fmt::format("{} to the {}", begin, last.thing->text());
    }
    return last.gave_up ? fmt::format("{} to WAL segment {} (the last commit was not looked for further back than {} "
                                      "segments)",
                                      begin, whole.last(), most_segments_to_search(plan.segment_size))
                        : fmt::format("{} to the end of backup set {} (no commit behind it)", begin, plan.backup.label);
}

}  // namespace patroni_pgbackrest
