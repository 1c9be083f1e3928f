#include "plan/forks.hpp"

#include "plan/reachability.hpp"
#include "system/failure.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace patroni_pgbackrest {

namespace {

using postgres::Lsn;
using postgres::Segment;
using postgres::Timeline;

/// Where a segment's first record starts (13 to 18).
constexpr std::uint64_t first_record = 0x28;

/// One fork on the way.
struct Fork {
    Timeline parent, child;
    Lsn at;

    Segment segment(Timeline timeline, postgres::SegmentSize size) const {
        return Segment::containing(timeline, at, size);
    }
};

std::vector<Fork> forks_of(const postgres::TimelineHistory& history) {
    std::vector<Fork> forks;
    for (auto fork = history.forks.begin(); fork != history.forks.end(); ++fork) {
        const auto next = std::next(fork);
        forks.push_back({fork->parent, next == history.forks.end() ? history.timeline : next->parent, fork->at});
    }
    return forks;
}

class ForkJudge {
  public:
    ForkJudge(const Plan& plan, const pgbackrest::ArchiveContent& archive, ArchivedWal& wal,
              const pgbackrest::Pgbackrest& pgbackrest)
        : plan_(plan), archive_(archive), wal_(wal), size_(plan.segment_size), pgbackrest_(pgbackrest) {}

    void require_sound(const Fork& fork) {
        const auto child = fork.segment(fork.child, size_).name(size_);
        const auto parent = fork.segment(fork.parent, size_).name(size_);
        if (const auto newer = of_child_or_newer(fork)) {
            require_switch(fork, *newer);
        } else if (const auto later = later_segment_of(fork.child, child)) {
            refuse_lost(
                fork, child,
                fmt::format("WAL segment {}, with which it begins, is not in the archive, and {} is", child, *later));
        } else if (archive_.segments.contains(parent)) {
            require_end_at_fork(fork, parent, child);
        } else {
            require_nothing_lost(fork, parent, child);
        }
    }

  private:
    /// The name of the file that is replayed for the fork's segment, when it is not one of the parent or before.
    std::optional<std::string> of_child_or_newer(const Fork& fork) const {
        const auto number = fork.segment(fork.child, size_).number;
        for (const auto& range : plan_.wal.ranges) {
            const auto first = *Segment::parse(range.first, size_);
            const auto last = *Segment::parse(range.last, size_);
            if (first.timeline >= fork.child && first.number <= number && number <= last.number) {
                const auto name = Segment{first.timeline, number}.name(size_);
                return archive_.segments.contains(name) ? std::optional(name) : std::nullopt;
            }
        }
        return std::nullopt;
    }

    std::optional<std::string> later_segment_of(Timeline timeline, const std::string& name) const {
        auto later = archive_.segments.first_behind(name);
        return later && Segment::parse(*later, size_)->timeline == timeline ? later : std::nullopt;
    }

    /// The new timeline's first record says which one it left; where that lies behind what can be read, the replay
    /// meets it. The end of a recovery writes little before it: page headers, OVERWRITE_CONTRECORD and FPW_CHANGE
    /// (StartupXLOG in xlog.c, 13 to 18).
    void require_switch(const Fork& fork, const std::string& name) {
        const auto& facts = wal_.facts(name);
        const auto& switches = facts.timeline_switches;
        const auto remedy = fmt::format("compare {} and {} with pg_wal of every node: one of them is of another "
                                        "cluster, or was damaged",
                                        fork.child.history_file(), name);
        const auto change = std::find_if(switches.begin(), switches.end(),
                                         [&](const auto& found) { return found.what.to == fork.child; });
        constexpr std::uint64_t most_before_it = 160;
        if (change != switches.end() && (change->what.from != fork.parent || change->start < fork.at ||
                                         change->start.value - fork.at.value > most_before_it)) {
            refuse(fork,
                   fmt::format("its WAL says in {} that it left timeline {} at {}", name, change->what.from.text(),
                               change->start.text()),
                   remedy);
        }
        if (change == switches.end() && facts.last_record > fork.at) {
            refuse(fork,
                   fmt::format("its WAL segment {} goes on behind that place, and does not say that a timeline "
                               "begins there",
                               name),
                   remedy);
        }
    }

    void require_end_at_fork(const Fork& fork, const std::string& parent, const std::string& child) {
        const auto& facts = wal_.facts(parent);
        if (facts.last_record && *facts.last_record >= fork.at) {
            refuse_lost(fork, child,
                        fmt::format("nothing of it is in the archive, and WAL segment {} holds what timeline {} "
                                    "wrote behind the fork: {} is needed",
                                    parent, fork.parent.text(), child));
        }
        if (facts.end && facts.end->valid_until < fork.at) {
            refuse_lost(fork, child,
                        fmt::format("nothing of it is in the archive, and WAL segment {} ends at {}: {} is needed",
                                    parent, facts.end->valid_until.text(), child));
        }
    }

    void require_nothing_lost(const Fork& fork, const std::string& parent, const std::string& child) {
        const auto start = fork.segment(fork.parent, size_).start(size_);
        if (fork.at.value <= start.value + first_record) {
            return;
        }
        if (const auto partial = archive_.partials.find(parent); partial != archive_.partials.end()) {
            if (holds_nothing_but_a_shutdown(wal_.facts(parent + ".partial"))) {
                return;
            }
            refuse_lost(fork, child,
                        fmt::format("nothing of it is in the archive, and what was written before the fork is there "
                                    "as {}.partial alone, which is never replayed",
                                    parent),
                        "; " + bring_in_partial(partial->second, pgbackrest_));
        }
        refuse_lost(fork, child, fmt::format("neither WAL segment {} nor {} is in the archive", parent, child));
    }

    /// `child`: the segment that is needed.
    [[noreturn]] void refuse_lost(const Fork& fork, const std::string& child, const std::string& what,
                                  const std::string& more = {}) const {
        refuse(fork, what,
               fmt::format("look for {0} in pg_wal of every node that was on timeline {1}, and bring it into the "
                           "archive with {2} /PATH/{0}",
                           child, fork.child.text(), pgbackrest::push_by_hand(pgbackrest_)),
               more);
    }

    [[noreturn]] void refuse(const Fork& fork, const std::string& what, const std::string& remedy,
                             const std::string& more = {}) const {
        const auto segment = fork.segment(fork.parent, size_);
        const auto before = segment.number > 0 ? Segment{fork.parent, segment.number - 1}.name(size_) : std::string();
        throw Failure(ExitCode::target_not_reachable,
                      fmt::format("timeline {} left timeline {} at {} in WAL segment {}: {}", fork.child.text(),
                                  fork.parent.text(), fork.at.text(), segment.name(size_), what),
                      fmt::format("{}; to leave that timeline out, say target-timeline: {}{}{}", remedy,
                                  fork.parent.text(), more,
                                  archive_.segments.contains(before)
                                      ? fmt::format("; a point before the fork is {}", point_in(before, plan_, wal_))
                                      : std::string()));
    }

    const Plan& plan_;
    const pgbackrest::ArchiveContent& archive_;
    ArchivedWal& wal_;
    postgres::SegmentSize size_;
    const pgbackrest::Pgbackrest& pgbackrest_;
};

}  // namespace

void require_agreement(const postgres::TimelineHistory& followed, const pgbackrest::ArchiveContent& archive) {
    for (std::size_t known = 1; known < followed.forks.size(); ++known) {
        const auto ancestor = archive.histories.find(followed.forks[known].parent);
        if (ancestor == archive.histories.end()) {
            continue;
        }
        const auto agrees = [&](const postgres::TimelineHistory& history) {
            return history.forks.size() == known && std::equal(history.forks.begin(), history.forks.end(),
                                                               followed.forks.begin(), postgres::is_same_place);
        };
        const auto copies = archive.history_copies.find(ancestor->first);
        if (agrees(ancestor->second) || (copies != archive.history_copies.end() &&
                                         std::any_of(copies->second.begin(), copies->second.end(),
                                                     [&](const auto& copy) { return agrees(copy.history); }))) {
            continue;
        }
        throw Failure(ExitCode::target_not_reachable,
                      fmt::format("{} and {} contradict each other about the past of timeline {}",
                                  ancestor->first.history_file(), followed.timeline.history_file(),
                                  ancestor->first.text()),
                      "compare both with the files in pg_wal of every node: one of them is not of this cluster, or was "
                      "damaged; a timeline that does not descend from them is named with target-timeline");
    }
}

namespace {

/// Where the record begins that a target LSN is reached with: what lies between the two may be a fork. Empty for
/// another target.
std::optional<postgres::Lsn> last_on_the_way(const RecoveryTarget& target, const Plan& plan, ArchivedWal& wal) {
    const auto* lsn = std::get_if<LsnTarget>(&target.point);
    if (lsn == nullptr) {
        return std::nullopt;
    }
    const auto end_of_plan = [&] { return Segment::parse(plan.wal.last(), plan.segment_size)->end(plan.segment_size); };
    const auto is_between = [&](const postgres::TimelineFork& fork) {
        return lsn->lsn < fork.at && fork.at < end_of_plan();
    };
    if (plan.wal.ranges.empty() || !plan.wal.missing.empty() ||
        std::none_of(plan.history.forks.begin(), plan.history.forks.end(), is_between)) {
        return lsn->lsn;
    }
    for (const auto& range : plan.wal.ranges) {
        const auto last = *Segment::parse(range.last, plan.segment_size);
        for (auto segment = *Segment::parse(range.first, plan.segment_size); segment.number <= last.number;
             ++segment.number) {
            if (segment.end(plan.segment_size) <= lsn->lsn) {
                continue;
            }
            if (const auto record = wal.first_record_from(segment.name(plan.segment_size), lsn->lsn)) {
                return record->start;
            }
        }
    }
    return lsn->lsn;
}

}  // namespace

void require_sound_forks(const RecoveryTarget& target, const Plan& plan, const pgbackrest::ArchiveContent& archive,
                         ArchivedWal& wal, const pgbackrest::Pgbackrest& pgbackrest) {
    if (target.is_immediate()) {
        return;
    }
    const auto start = *Segment::parse(plan.backup.archive_start, plan.segment_size);
    const auto end = last_on_the_way(target, plan, wal);
    ForkJudge judge(plan, archive, wal, pgbackrest);
    for (const auto& fork : forks_of(plan.history)) {
        const bool is_before_the_target = !end || fork.at <= *end;
        if (fork.parent >= start.timeline && is_before_the_target) {
            judge.require_sound(fork);
        }
    }
}

}  // namespace patroni_pgbackrest
