#include "plan/window.hpp"

#include "plan/backup_choice.hpp"

#include <fmt/format.h>

namespace patroni_pgbackrest {

std::string window_text(const Plan& plan, const RepositoryState& repository) {
    const auto& first = repository.stanza.backups.front();
    const auto last = repository.archive.last_segments.find(plan.timeline());
    return fmt::format(
        "{} (end of backup set {}) to {}", instant(reachable_from(first)), first.label,
        last == repository.archive.last_segments.end()
            ? fmt::format("the end of backup set {}", plan.backup.label)
            : fmt::format("{} (WAL segment {} archived)", instant(last->second.archived_at), last->second.name));
}

}  // namespace patroni_pgbackrest
