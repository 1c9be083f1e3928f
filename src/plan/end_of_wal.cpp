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

/// The segment in which the record begins that goes on into the last one; empty if there is none, or if it begins on an
/// older timeline.
std::optional<Segment> begin_of_record_into_last(const Plan& plan, ArchivedWal& wal) {
    auto segment = *Segment::parse(plan.wal.last(), plan.segment_size);
    const auto first = *Segment::parse(plan.wal.ranges.back().first, plan.segment_size);
    const auto continues = [](const postgres::SegmentFacts& facts) {
        return facts.first_page && facts.first_page->continues;
    };
    const auto* facts = &wal.facts(plan.wal.last());
    while (continues(*facts) && segment > first) {
        --segment.number;
        facts = &wal.facts(segment.name(plan.segment_size));
        const bool is_middle = facts->records == 0 && !facts->end && continues(*facts);
        if (!is_middle) {
            return segment;
        }
    }
    return std::nullopt;
}

[[noreturn]] void refuse_damage(const std::string& name, const postgres::WalEnd& end, const Plan& plan,
                                ArchivedWal& wal) {
    throw Failure(ExitCode::replay_failed,
                  fmt::format("WAL segment {} is damaged: {}{}", name, end.text(),
                              wal.facts(name).first_page ? ", and more of the same WAL lies behind it" : std::string()),
                  fmt::format("repair the segment in the repository, or ask for the last sound point: {}",
                              point_in(name, plan, wal)))
        .lasting();
}

/// Where the WAL ends if the record that goes on into the last segment does not end. Only what lies in the last segment
/// can be the trace of a crash: the one in which the record begins was written to its end.
std::optional<Lsn> end_before_last_segment(const Plan& plan, ArchivedWal& wal) {
    const auto begins = begin_of_record_into_last(plan, wal);
    const auto name = begins ? begins->name(plan.segment_size) : std::string();
    const auto end = begins ? wal.facts(name).end : std::nullopt;
    if (!end) {
        return std::nullopt;
    }
    const bool is_begun_well =
        end->reason == postgres::WalEndReason::wrong_checksum || end->at >= begins->end(plan.segment_size);
    if (end->more_behind || !is_begun_well) {
        refuse_damage(name, *end, plan, wal);
    }
    return end->valid_until;
}

}  // namespace

std::optional<Lsn> end_in_last_segment(const Plan& plan, ArchivedWal& wal) {
    if (plan.wal.ranges.empty() || !plan.wal.missing.empty()) {
        return std::nullopt;
    }
    if (const auto end = end_before_last_segment(plan, wal)) {
        return end;
    }
    const auto name = plan.wal.last();
    const auto& facts = wal.facts(name);
    if (!facts.end) {
        return std::nullopt;
    }
    if (!facts.first_page || facts.end->more_behind) {
        refuse_damage(name, *facts.end, plan, wal);
    }
    return facts.end->valid_until;
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
