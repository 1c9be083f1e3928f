#include "plan/reachability.hpp"

#include "system/log.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

namespace {

using postgres::Segment;

std::string end_of_backup(const Plan& plan) {
    return fmt::format("the end of backup set {} (type immediate)", plan.backup.label);
}

/// The point before a segment of the plan.
std::string point_before(const Segment& segment, const Plan& plan, ArchivedWal& wal) {
    for (auto range = plan.wal.ranges.rbegin(); range != plan.wal.ranges.rend(); ++range) {
        const auto first = *Segment::parse(range->first, plan.segment_size);
        const auto last = *Segment::parse(range->last, plan.segment_size);
        if (first.number < segment.number) {
            return point_in(Segment{first.timeline, std::min(last.number, segment.number - 1)}.name(plan.segment_size),
                            plan, wal);
        }
    }
    return end_of_backup(plan);
}

void refuse_contradictions(const RecoveryTarget& target, const Plan& plan, const pgbackrest::ArchiveContent& archive,
                           ArchivedWal& wal) {
    for (const auto& [name, files] : archive.contradictions) {
        if (!plan.wal.contains(name)) {
            continue;
        }
        if (!target.is_latest() && !target.is_immediate() && !std::holds_alternative<LsnTarget>(target.point)) {
            log::warning(
                "WAL segment {} is in the archive with different contents: the recovery is aborted should it be "
                "needed before the target is reached",
                name);
            continue;
        }
        std::vector<std::string> paths;
        for (const auto& file : files) {
            paths.push_back(fmt::format("{} in repo{}", file.path, file.repository));
        }
        throw Failure(ExitCode::pgbackrest_failed,
                      fmt::format("WAL segment {} is in the archive with different contents, and pgBackRest delivers "
                                  "none of them: {}",
                                  name, system::join(paths, ", ")),
                      fmt::format("two primaries archived into this stanza: find out with pg_waldump which file is the "
                                  "cluster's, and take the other out of the repository; a point before it is {}",
                                  point_before(*Segment::parse(name, plan.segment_size), plan, wal)))
            .lasting();
    }
}

void refuse_gap(const RecoveryTarget& target, const Plan& plan, ArchivedWal& wal) {
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
                        point_before(gap, plan, wal)));
    }
    if (const auto* lsn = std::get_if<LsnTarget>(&target.point)) {
        const bool is_before = gap.start(plan.segment_size) <= lsn->lsn;
        throw Failure(ExitCode::target_not_reachable,
                      fmt::format("WAL segment {} is missing from the archive, {} the target {}", names,
                                  is_before ? "before" : "with the first record behind", lsn->lsn.text()),
                      fmt::format("a point before it is {}", point_before(gap, plan, wal)));
    }
}

/// Whether all records of the planned WAL begin before the target, as far as that is known.
bool begin_before(const LsnTarget& target, const Plan& plan, ArchivedWal& wal) {
    const auto last = *Segment::parse(plan.wal.last(), plan.segment_size);
    if (last.end(plan.segment_size) <= target.lsn || !plan.wal.missing.empty()) {
        return last.end(plan.segment_size) <= target.lsn;
    }
    // In the last segment there may be the end of that record alone.
    bool is_there = false;
    plan.wal.visit_backwards(plan.segment_size, [&](const std::string& name) {
        is_there = is_there || has_record_from(wal.facts(name), target.lsn);
        return !is_there && Segment::parse(name, plan.segment_size)->start(plan.segment_size) > target.lsn;
    });
    return !is_there;
}

/// Where the planned WAL ends, of which no record begins at the target or behind it.
std::string end_of_archive(const LsnTarget& target, const Plan& plan, ArchivedWal& wal) {
    const auto last = *Segment::parse(plan.wal.last(), plan.segment_size);
    if (const auto end = last.end(plan.segment_size); end <= target.lsn) {
        return "ends at " + end.text();
    }
    const auto& facts = wal.facts(plan.wal.last());
    if (facts.end && facts.end->valid_until <= target.lsn) {
        return "ends at " + facts.end->valid_until.text();
    }
    // The target is in the last record, or in what a segment switch left unused.
    return facts.last_record ? "has its last record at " + facts.last_record->text()
                             : "has its last record before " + last.start(plan.segment_size).text();
}

void refuse_lsn_behind_the_archive(const RecoveryTarget& target, const Plan& plan, ArchivedWal& wal) {
    if (!std::holds_alternative<LsnTarget>(target.point) || !is_unreachable(target, plan, wal)) {
        return;
    }
    const auto& lsn = std::get<LsnTarget>(target.point);
    throw Failure(ExitCode::target_not_reachable,
                  fmt::format("the archive {} (WAL segment {}), before the target {}", end_of_archive(lsn, plan, wal),
                              plan.wal.last(), lsn.lsn.text()),
                  fmt::format("a point before it is {}; type latest brings all there is{}",
                              point_in(plan.wal.last(), plan, wal), other_timelines_hint(plan)));
}

void refuse_time_behind_last_commit(const RecoveryTarget& target, const Plan& plan, ArchivedWal& wal) {
    if (!std::holds_alternative<Time>(target.point) || !is_unreachable(target, plan, wal)) {
        return;
    }
    if (!plan.last_commit) {
        throw Failure(ExitCode::target_not_reachable,
                      fmt::format("no transaction ended behind backup set {} on timeline {}: nothing in the archive "
                                  "reaches the target {}",
                                  plan.backup.label, plan.timeline().text(), target.text()),
                      fmt::format("type latest brings all there is{}", other_timelines_hint(plan)));
    }
    throw Failure(ExitCode::target_not_reachable,
                  fmt::format("the target {} lies behind the {} on timeline {}: no record in the archive reaches it",
                              target.text(), plan.last_commit->text(), plan.timeline().text()),
                  fmt::format("that commit is the end of what type lsn and target {} brings{}, and type latest brings "
                              "all there is{}",
                              plan.last_commit->at.text(),
                              plan.other_timelines.empty() ? "; nearest: true means it with any target behind it" : "",
                              other_timelines_hint(plan)));
}

/// The number that the next transaction had at the first checkpoint that can be read, with its epoch. A backup begins
/// with a checkpoint, whose record may follow minutes behind the first WAL that is needed.
std::optional<std::uint64_t> first_known_xid(const Plan& plan, const pgbackrest::ArchiveContent& archive,
                                             ArchivedWal& wal) {
    constexpr std::size_t most_segments = 256;
    std::vector<std::string> names;
    plan.wal.visit_backwards(plan.segment_size, [&](const std::string& name) {
        names.push_back(name);
        return true;
    });
    std::optional<std::uint64_t> next;
    for (std::size_t i = 0; !next && i < std::min(names.size(), most_segments); ++i) {
        const auto& name = names[names.size() - 1 - i];
        if (archive.segments.contains(name)) {
            could_read([&] {
                if (const auto& last = wal.facts(name).last_checkpoint) {
                    next = last->what.next_xid;
                }
            });
        }
    }
    return next;
}

/// PostgreSQL takes 64 bits and compares the last 32 (check_recovery_target_xid, 13 to 18): with another epoch it would
/// stop at a transaction of the same last 32 bits. The first of the WAL that has them begins at most a quarter of a
/// round before the first checkpoint.
void refuse_another_epoch(const RecoveryTarget& target, const Plan& plan, const pgbackrest::ArchiveContent& archive,
                          ArchivedWal& wal) {
    constexpr unsigned bits = 32;
    constexpr std::int64_t round = std::int64_t{1} << bits, earlier = round / 4;
    const auto* xid = std::get_if<Xid>(&target.point);
    const auto epoch = xid == nullptr ? std::uint64_t{0} : xid->number >> bits;
    if (epoch == 0) {
        return;
    }
    const auto next = first_known_xid(plan, archive, wal);
    if (!next) {
        log::warning(
            "the epoch of the target {} is not compared: no checkpoint is read at the beginning of the planned WAL",
            target.text());
        return;
    }
    const auto distance = static_cast<std::int64_t>(xid->number - *next);
    if (distance >= -earlier && distance < round - earlier) {
        return;
    }
    const auto in_wal = static_cast<std::uint32_t>(xid->number);
    throw Failure(
        ExitCode::target_not_reachable,
        fmt::format("the target {} is of epoch {}, and the WAL of timeline {} begins near xid {}, of epoch {}: "
                    "PostgreSQL compares the last 32 bits alone, and would stop at another transaction {}",
                    target.text(), epoch, plan.timeline().text(), *next, *next >> bits, in_wal),
        fmt::format("give the number that pg_current_xact_id() returned in this cluster; if the transaction "
                    "{} of this WAL is meant, give that",
                    in_wal));
}

}  // namespace

void require_reachable(const RecoveryTarget& target, const Plan& plan, const pgbackrest::ArchiveContent& archive,
                       ArchivedWal& wal) {
    refuse_contradictions(target, plan, archive, wal);
    refuse_gap(target, plan, wal);
    refuse_lsn_behind_the_archive(target, plan, wal);
    refuse_time_behind_last_commit(target, plan, wal);
    refuse_another_epoch(target, plan, archive, wal);
}

bool is_unreachable(const RecoveryTarget& target, const Plan& plan, ArchivedWal& wal) {
    if (const auto* lsn = std::get_if<LsnTarget>(&target.point)) {
        return !plan.wal.ranges.empty() && begin_before(*lsn, plan, wal);
    }
    if (!std::holds_alternative<Time>(target.point)) {
        return false;
    }
    return plan.last_commit ? !ends_replay(target, plan.last_commit->latest_end) : plan.has_no_commit;
}

std::string point_in(const std::string& segment, const Plan& plan, ArchivedWal& wal) {
    const auto place = *Segment::parse(segment, plan.segment_size);
    auto point = place.start(plan.segment_size);
    try {
        point = wal.facts(segment).last_record.value_or(point);
    } catch (const Failure& failure) {
        if (!failure.is_lasting()) {
            throw;
        }
    }
    if (plan.backup.lsn_stop ? point < *plan.backup.lsn_stop : segment <= plan.backup.archive_stop) {
        return end_of_backup(plan);
    }
    return fmt::format("type lsn and target {}", point.text());
}

std::string other_timelines_hint(const Plan& plan) {
    if (plan.other_timelines.empty()) {
        return {};
    }
    std::vector<std::string> names;
    for (const auto timeline : plan.other_timelines) {
        names.push_back(timeline.text());
    }
    return fmt::format("; if it is on another timeline, name that with target-timeline: {}",
                       system::join(names, " or "));
}

}  // namespace patroni_pgbackrest
