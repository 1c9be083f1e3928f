#include "plan/archived_wal.hpp"

#include "pgbackrest/archive_names.hpp"
#include "pgbackrest/segment_fetch.hpp"
#include "system/failure.hpp"
#include "system/log.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>
#include <variant>

namespace patroni_pgbackrest {

using pgbackrest::segment_digits;

bool could_read(const std::function<void()>& read) {
    try {
        read();
        return true;
    } catch (const Failure& failure) {
        if (!failure.is_lasting()) {
            throw;
        }
        log::write(failure.problems().front(), log::Level::warning);
        return false;
    }
}

RepositoryWal::RepositoryWal(pgbackrest::Pgbackrest pgbackrest, pgbackrest::RetryPolicy retry,
                             const pgbackrest::ArchiveContent& archive, postgres::SegmentSize size,
                             std::string system_identifier)
    : pgbackrest_(std::move(pgbackrest)), retry_(retry), segments_(archive.segments), partials_(archive.partials),
      size_(size), system_identifier_(std::move(system_identifier)) {
    for (const auto& [timeline, last] : archive.last_segments) {
        timelines_.insert(timeline);
    }
    for (const auto& [name, files] : archive.contradictions) {
        contradictory_.insert(name);
    }
}

const postgres::SegmentFacts& RepositoryWal::facts(const std::string& name) {
    const auto known = known_.find(name);
    return known != known_.end() ? known->second : known_.emplace(name, read(name)).first->second;
}

postgres::SegmentFacts RepositoryWal::read(const std::string& name) {
    const auto segment = *postgres::Segment::parse(name.substr(0, segment_digits), size_);
    auto facts =
        postgres::facts_of_segment(segment.number, bytes(name, size_.bytes), expected(segment), following(segment));
    if (facts.first_page && facts.first_page->file && facts.first_page->file->system_identifier != system_identifier_) {
        throw Failure(
            ExitCode::target_not_reachable,
            fmt::format("WAL segment {} in the archive is of another cluster: its system identifier is {}, "
                        "that of the backup {}",
                        name, facts.first_page->file->system_identifier, system_identifier_),
            "find out with pgbackrest info and pg_waldump who archived into this stanza, and take what is not "
            "the cluster's out of it; a point before it is reached with type lsn or time")
            .lasting();
    }
    return facts;
}

void RepositoryWal::visit_records(const std::string& name,
                                  const std::function<bool(const postgres::WalRecord&)>& visit) {
    const auto segment = *postgres::Segment::parse(name.substr(0, segment_digits), size_);
    const auto bring = [&, next = following(segment)](std::uint64_t number,
                                                      std::uint64_t wanted) -> std::optional<std::string_view> {
        return number == segment.number ? bytes(name, wanted) : next(number, wanted);
    };
    postgres::WalReader reader(expected(segment), bring, segment.start(size_));
    const auto* record = reader.next();
    while (record != nullptr && record->start < segment.end(size_) && !visit(*record)) {
        record = reader.next();
    }
}

std::optional<postgres::Lsn> RepositoryWal::end_of_transaction(const std::string& name, std::uint32_t xid) {
    std::optional<postgres::Lsn> found;
    visit_records(name, [&](const postgres::WalRecord& record) {
        const auto event = postgres::decode(record);
        const auto* end = std::get_if<postgres::TransactionEnd>(&event);
        if (end != nullptr && end->xid == xid) {
            found = record.start;
        }
        return found.has_value();
    });
    return found;
}

std::optional<RecordPlace> RepositoryWal::first_record_from(const std::string& name, postgres::Lsn position) {
    std::optional<RecordPlace> found;
    visit_records(name, [&](const postgres::WalRecord& record) {
        if (record.start >= position) {
            found = {record.start, record.end};
        }
        return found.has_value();
    });
    return found;
}

/// Only one is in memory as a whole. WAL is searched backwards, as a rule: then what goes on behind a segment lies at
/// the beginning of the one that was fetched before it.
std::string_view RepositoryWal::bytes(const std::string& name, std::uint64_t wanted) {
    if (name == beginning_.name && wanted <= beginning_.content.size()) {
        return beginning_.content;
    }
    if (name != last_.name) {
        beginning_ = beginning_of(std::exchange(last_, {}));
        last_.content = pgbackrest::fetch_segment(pgbackrest_, file(name), size_, retry_);
        last_.name = name;
    }
    return last_.content;
}

RepositoryWal::Kept RepositoryWal::beginning_of(Kept segment) {
    constexpr std::size_t longest = 1U << 20;  // hardly any record is
    segment.content.resize(std::min(segment.content.size(), longest));
    segment.content.shrink_to_fit();
    return segment;
}

pgbackrest::ArchivedFile RepositoryWal::file(const std::string& name) const {
    const bool is_partial = name.size() > segment_digits;
    const auto segment = name.substr(0, segment_digits);
    return is_partial ? partials_.at(segment) : segments_.find(segment).value();
}

postgres::WalReader::Expected RepositoryWal::expected(const postgres::Segment& segment) const {
    return {size_, segment.timeline, {}};
}

/// The record that goes on behind a segment's end may be the last commit. A later timeline's file of the fork's segment
/// begins with what its parent had written there; of another branch the record would not fit.
postgres::WalReader::BringSegment RepositoryWal::following(const postgres::Segment& segment) {
    return [this, segment](std::uint64_t number, std::uint64_t wanted) -> std::optional<std::string_view> {
        for (auto timeline = timelines_.lower_bound(segment.timeline); timeline != timelines_.end(); ++timeline) {
            const auto name = postgres::Segment{*timeline, number}.name(size_);
            if (segments_.contains(name) && !contradictory_.contains(name)) {
                return bytes(name, wanted);
            }
        }
        return std::nullopt;
    };
}

}  // namespace patroni_pgbackrest
