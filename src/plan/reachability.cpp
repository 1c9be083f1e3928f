#include "plan/reachability.hpp"

#include <fmt/format.h>

namespace patroni_pgbackrest {

namespace {

using postgres::Segment;

/// PostgreSQL ends at the first record that begins at the target LSN or behind it, so one has to be left there. A
/// segment's beginning is such a place, unless the backup ends in that segment and the rest of it is empty.
std::string point_in(const Segment& last, const Plan& plan) {
    const auto start = last.start(plan.segment_size);
    if (plan.backup.lsn_stop ? start < *plan.backup.lsn_stop
                             : last.name(plan.segment_size) <= plan.backup.archive_stop) {
        return fmt::format("the end of backup set {} (type immediate)", plan.backup.label);
    }
    return fmt::format("type lsn and target {}", start.text());
}

Segment before(const Segment& segment) {
    return {segment.timeline, segment.number - 1};
}

void refuse_gap(const RecoveryTarget& target, const Plan& plan) {
    if (plan.wal.missing.empty()) {
        return;
    }
    const auto names = plan.wal.missing_text();
    const auto& first = plan.wal.missing.front();
    if (first <= plan.backup.archive_stop) {
        throw Failure(ExitCode::target_not_reachable,
                      fmt::format("WAL segment {} is missing from the archive, and backup set {} cannot be made "
                                  "consistent without it",
                                  names, plan.backup.label),
                      "choose another backup set with set");
    }
    const auto gap = *Segment::parse(first, plan.segment_size);
    if (target.is_latest()) {
        throw Failure(
            ExitCode::target_not_reachable,
            fmt::format("WAL segment {} is missing from the archive: what comes after it cannot be replayed", names),
            fmt::format("bring it back, use a newer backup set, or ask for a point before it: {}",
                        point_in(before(gap), plan)));
    }
    if (const auto* lsn = std::get_if<LsnTarget>(&target.point);
        lsn != nullptr && gap.start(plan.segment_size) <= lsn->lsn) {
        throw Failure(
            ExitCode::target_not_reachable,
            fmt::format("WAL segment {} is missing from the archive, before the target {}", names, lsn->lsn.text()),
            fmt::format("a point before it is {}", point_in(before(gap), plan)));
    }
}

void refuse_target_behind_the_archive(const RecoveryTarget& target, const Plan& plan) {
    const auto* lsn = std::get_if<LsnTarget>(&target.point);
    if (lsn == nullptr || plan.wal.ranges.empty()) {
        return;
    }
    const auto last = *Segment::parse(plan.wal.last(), plan.segment_size);
    if (last.end(plan.segment_size) <= lsn->lsn) {
        throw Failure(ExitCode::target_not_reachable,
                      fmt::format("the archive ends at {} (WAL segment {}), before the target {}",
                                  last.end(plan.segment_size).text(), plan.wal.last(), lsn->lsn.text()),
                      fmt::format("a point before it is {}; type latest brings all there is", point_in(last, plan)));
    }
}

}  // namespace

void require_reachable(const RecoveryTarget& target, const Plan& plan) {
    refuse_gap(target, plan);
    refuse_target_behind_the_archive(target, plan);
}

}  // namespace patroni_pgbackrest
