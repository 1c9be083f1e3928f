#pragma once

#include "plan/plan.hpp"
#include "postgres/timeline_history.hpp"
#include "postgres/wal.hpp"
#include "support/requests.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace patroni_pgbackrest {

constexpr postgres::SegmentSize segment_size{};

inline std::string segment(std::uint32_t timeline, std::uint64_t number) {
    return postgres::Segment{postgres::Timeline{timeline}, number}.name(segment_size);
}

/// WAL of which a test says what it holds; of a segment that it does not name, nothing is known.
class FakeWal final : public ArchivedWal {
  public:
    std::map<std::string, postgres::SegmentFacts> content;
    std::map<std::string, std::map<std::uint32_t, postgres::Lsn>> transactions;  ///< where each ends
    std::map<std::string, std::vector<RecordPlace>>
        records;  ///< where not, the last record of `content` is the only one

    /// A commit `offset` bytes behind the segment's start; the last one that is told of is the last in the segment.
    void commit(std::uint32_t timeline, std::uint64_t number, const std::string& time, std::uint64_t offset = 0x1000) {
        auto& facts = content[name_of(timeline, number)];
        const postgres::Lsn at{number * postgres::SegmentSize{}.bytes + offset};
        const postgres::TransactionEnd end{true, false, 0, Time::parse(time).value().at};
        facts.records += 1;
        facts.last_commit = postgres::FoundAt<postgres::TransactionEnd>{at, at, end};
        facts.first_commit = facts.first_commit.value_or(*facts.last_commit);
        facts.last_record = std::max(facts.last_record.value_or(at), at);
        facts.latest_transaction_end = std::max(facts.latest_transaction_end.value_or(end.time), end.time);
    }
    /// Where a timeline says that it begins.
    void begin(std::uint32_t timeline, std::uint32_t parent, postgres::Lsn at, const std::string& time) {
        auto& facts = content[name_of(timeline, at.value / postgres::SegmentSize{}.bytes)];
        facts.timeline_switches.push_back(
            {at, at, {postgres::Timeline{parent}, postgres::Timeline{timeline}, Time::parse(time).value().at}});
        facts.last_record = std::max(facts.last_record.value_or(at), at);
    }

    const postgres::SegmentFacts& facts(const std::string& name) override { return content[name]; }
    std::optional<postgres::Lsn> end_of_transaction(const std::string& name, std::uint32_t xid) override {
        const auto& known = transactions[name];
        const auto found = known.find(xid);
        return found == known.end() ? std::nullopt : std::optional(found->second);
    }
    std::optional<RecordPlace> first_record_from(const std::string& name, postgres::Lsn position) override {
        for (const auto& record : records[name]) {
            if (record.start >= position) {
                return record;
            }
        }
        const auto last = content[name].last_record;
        return last && *last >= position ? std::optional(RecordPlace{*last, *last}) : std::nullopt;
    }

  private:
    static std::string name_of(std::uint32_t timeline, std::uint64_t number) {
        return postgres::Segment{postgres::Timeline{timeline}, number}.name({});
    }
};

inline FakeWal& wal_of(RepositoryState& state) {
    return static_cast<FakeWal&>(*state.wal);
}

/// The segments `first` to `last` of a timeline.
inline void add_segments(pgbackrest::ArchiveContent& archive, std::uint32_t timeline, std::uint64_t first,
                         std::uint64_t last) {
    for (auto number = first; number <= last; ++number) {
        const auto name = segment(timeline, number);
        archive.segments.add({1, "archive/demo/15-1/" + name.substr(0, 16) + "/" + name + "-" + std::string(40, '0')});
        auto& newest = archive.last_segments[postgres::Timeline{timeline}].name;
        newest = std::max(newest, name);
    }
}

/// Takes out the segments with such names.
template <typename IsOne>
void remove_segments(pgbackrest::ArchiveContent& archive, const IsOne& is_one) {
    pgbackrest::ArchivedFiles left;
    const std::string least(24, '0');  // no cluster has it
    for (auto name = archive.segments.first_behind(least); name; name = archive.segments.first_behind(*name)) {
        if (!is_one(*name)) {
            left.add(*archive.segments.find(*name));
        }
    }
    archive.segments = left;
}

inline void remove_segment(pgbackrest::ArchiveContent& archive, const std::string& name) {
    remove_segments(archive, [&](const std::string& other) { return other == name; });
}

inline std::int64_t seconds(const std::string& time) {
    return std::chrono::duration_cast<std::chrono::seconds>(Time::parse(time).value().at.time_since_epoch()).count();
}

/// A backup of a few minutes that starts in segment `first` of a timeline and ends in segment `last`.
inline pgbackrest::Backup backup(const std::string& label, std::uint32_t timeline, std::uint64_t first,
                                 std::uint64_t last, const std::string& stopped, unsigned repository = 1) {
    pgbackrest::Backup backup{};
    backup.label = label;
    backup.type = "full";
    backup.repository = repository;
    backup.database_id = 1;
    backup.stopped = seconds(stopped);
    backup.started = backup.stopped - 300;
    backup.lsn_start = postgres::Lsn{first * segment_size.bytes + 0x28};
    backup.lsn_stop = postgres::Lsn{last * segment_size.bytes + 0x100};
    backup.archive_start = segment(timeline, first);
    backup.archive_stop = segment(timeline, last);
    return backup;
}

/// Two backups on timeline 1, at 08:00 in segment 2 and at 09:00 in segments 5 and 6, and WAL up to segment 9.
inline RepositoryState one_timeline() {
    RepositoryState state;
    state.wal = std::make_shared<FakeWal>();
    state.stanza.name = "demo";
    state.stanza.databases.push_back({1, 1, "7710953412442782829", "15"});
    state.stanza.backups = {backup("20261122-080000F", 1, 2, 2, "2026-11-22 08:00:00Z"),
                            backup("20261122-090000F", 1, 5, 6, "2026-11-22 09:00:00Z")};
    add_segments(state.archive, 1, 2, 9);
    wal_of(state).commit(1, 9, "2026-11-22 11:50:00Z");
    return state;
}

/// The same, and a timeline 2 that left it in segment 7 at 12:00 and goes on to segment 10. The old
/// one had its last commit in segment 9 at 11:50.
inline RepositoryState two_timelines() {
    auto state = one_timeline();
    const postgres::Timeline second{2};
    state.archive.histories[second] = {
        second,
        {{postgres::Timeline{1}, postgres::Lsn{7 * segment_size.bytes + 0x158}, "before 2026-11-22 10:00:00Z"}}};
    add_segments(state.archive, 2, 7, 10);
    wal_of(state).begin(2, 1, postgres::Lsn{7 * segment_size.bytes + 0x158}, "2026-11-22 12:00:00Z");
    wal_of(state).commit(2, 10, "2026-11-22 12:40:00Z");
    return state;
}

inline Request asking_for(const RecoveryTarget& target) {
    Request request;
    request.target = target;
    return request;
}

const RecoveryTarget latest{Latest{}};

/// Why there is no plan; empty when there is one.
inline Problems no_plan(const Request& request, const RepositoryState& state,
                        ExitCode code = ExitCode::target_not_reachable) {
    return problems_of(code, [&] { make_plan(request, state); });
}

}  // namespace patroni_pgbackrest
