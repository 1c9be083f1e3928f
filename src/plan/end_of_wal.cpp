#include "plan/end_of_wal.hpp"

#include "pgbackrest/decompress.hpp"
#include "plan/plan.hpp"
#include "plan/reachability.hpp"
#include "system/failure.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace patroni_pgbackrest {

using postgres::Lsn;
using postgres::Segment;

std::string LastCommit::text() const {
    return fmt::format("last commit at {} (LSN {}, WAL segment {})", Time{latest_end}.text(), at.text(), segment);
}

LastEnds find_last_ends(const PlannedWal& planned, const pgbackrest::ArchiveContent& archive, ArchivedWal& wal,
                        postgres::SegmentSize size) {
    LastEnds found;
    auto left = most_segments_to_search(size);
    planned.visit_backwards(size, [&](const std::string& name) {
        if (!archive.segments.contains(name)) {
            return true;
        }
        if (left-- == 0) {
            found.commit.gave_up = true;
            return false;
        }
        const bool is_readable = could_read([&] {
            const auto& facts = wal.facts(name);
            found.latest = std::max(found.latest, facts.latest_transaction_end.value_or(found.latest));
            if (facts.last_commit) {
                found.latest = std::max(found.latest, facts.last_commit->what.time);
                found.commit.thing = {facts.last_commit->start, name, found.latest};
            }
        });
        found.commit.gave_up = found.commit.gave_up || !is_readable;
        return !found.commit.thing;
    });
    return found;
}

namespace {

/// When the last segment holds nothing but the middle of a record: where that record begins, which never ends.
std::optional<Lsn> end_before(const Plan& plan, ArchivedWal& wal) {
    auto segment = *Segment::parse(plan.wal.last(), plan.segment_size);
    const auto first = *Segment::parse(plan.wal.ranges.back().first, plan.segment_size);
    const auto is_middle = [](const postgres::SegmentFacts& facts) {
        return facts.records == 0 && !facts.end && facts.first_page;
    };
    if (!is_middle(wal.facts(plan.wal.last()))) {
        return std::nullopt;
    }
    while (segment > first) {
        --segment.number;
        const auto& facts = wal.facts(segment.name(plan.segment_size));
        if (!is_middle(facts)) {
            return facts.end ? std::optional(facts.end->valid_until) : std::nullopt;
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<Lsn> end_in_last_segment(const Plan& plan, ArchivedWal& wal) {
    if (plan.wal.ranges.empty() || !plan.wal.missing.empty()) {
        return std::nullopt;
    }
    const auto name = plan.wal.last();
    if (const auto begun_before = end_before(plan, wal)) {
        return begun_before;
    }
    const auto& facts = wal.facts(name);
    if (!facts.end) {
        return std::nullopt;
    }
    const bool is_wal = facts.first_page.has_value();
    if (is_wal && !facts.end->more_behind) {
        return facts.end->valid_until;
    }
    throw Failure(ExitCode::replay_failed,
                  fmt::format("WAL segment {} is damaged: {}{}", name, facts.end->text(),
                              is_wal ? fmt::format(", and more of the same WAL lies behind it") : std::string()),
                  fmt::format("repair the segment in the repository, or ask for the last sound point: {}",
                              point_in(name, plan, wal)))
        .lasting();
}

void refuse_end_in_partial(const Plan& plan, const pgbackrest::ArchiveContent& archive, ArchivedWal& wal,
                           const pgbackrest::Pgbackrest& pgbackrest) {
    const auto last = Segment::parse(plan.wal.last(), plan.segment_size);
    if (!last) {
        return;
    }
    const auto next = Segment{plan.timeline(), last->number + 1}.name(plan.segment_size);
    const auto partial = archive.partials.find(next);
    if (partial == archive.partials.end() || holds_nothing_but_a_shutdown(wal.facts(next + ".partial"))) {
        return;
    }
    throw Failure(ExitCode::target_not_reachable,
                  fmt::format("the end of timeline {} is in the archive as {}.partial alone, which is never replayed",
                              plan.timeline().text(), next),
                  fmt::format("{}; a point before it is {}", bring_in_partial(partial->second, pgbackrest),
                              point_in(plan.wal.last(), plan, wal)));
}

bool holds_nothing_but_a_shutdown(const postgres::SegmentFacts& facts) {
    using enum postgres::WalEndReason;
    // A file that was kept to be written to one day has another segment's address; its first page may be all zeros.
    const bool is_unwritten = facts.end && (facts.end->reason == zeros || facts.end->reason == other_place);
    const bool continues =
        facts.first_page && facts.first_page->continues && facts.end && facts.end->reason != other_place;
    return (facts.records == 0 && is_unwritten && !continues) ||
           (!continues && facts.records == 1 && facts.last_checkpoint && facts.last_checkpoint->what.shutdown);
}

std::string bring_in_partial(const pgbackrest::ArchivedFile& partial, const pgbackrest::Pgbackrest& pgbackrest) {
    const std::string file = partial.path.substr(partial.path.rfind('/') + 1);
    const auto decompress = pgbackrest::decompress_by_hand(file);
    return fmt::format("if the timeline that went on from there is lost, make a whole segment of it: {} {}>/tmp/{} && "
                       "{} /tmp/{}",
                       pgbackrest::get_by_hand(pgbackrest, partial.repository, partial.path),
                       decompress.empty() ? "" : "| " + decompress + " ", file.substr(0, file.find('.')),
                       pgbackrest::push_by_hand(pgbackrest), file.substr(0, file.find('.')));
}

}  // namespace patroni_pgbackrest
