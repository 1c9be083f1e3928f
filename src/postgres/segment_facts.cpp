#include "postgres/segment_facts.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace patroni_pgbackrest::postgres {

namespace {

/// Puts what one record says into the facts.
class Collector {
  public:
    Collector(SegmentFacts& facts, const WalRecord& record) : facts_(facts), record_(record) {}

    void operator()(const OtherRecord& /*unused*/) const {}
    void operator()(const UnknownLayout& /*unused*/) const {
        facts_.unknown_layout = facts_.unknown_layout.value_or(record_.start);
    }
    void operator()(const SegmentSwitch& /*unused*/) const { facts_.switched = true; }
    void operator()(const TransactionEnd& transaction) const {
        facts_.latest_transaction_end =
            std::max(transaction.time, facts_.latest_transaction_end.value_or(transaction.time));
        if (transaction.committed) {
            facts_.last_commit = found(transaction);
            if (!facts_.first_commit) {
                facts_.first_commit = facts_.last_commit;
            }
        }
    }
    void operator()(const Checkpoint& checkpoint) const {
        facts_.last_checkpoint = found(checkpoint);
        switched(checkpoint);
    }
    void operator()(const EndOfRecovery& recovery) const { switched(recovery); }
    void operator()(const RestorePoint& point) const { facts_.restore_points.push_back(found(point)); }
    void operator()(const ParameterChange& change) const { facts_.parameter_changes.push_back(found(change)); }
    void operator()(const TablespaceCreated& created) const { facts_.tablespaces_created.push_back(found(created)); }
    void operator()(const TablespaceDropped& dropped) const { facts_.tablespaces_dropped.push_back(found(dropped)); }

  private:
    template <typename What>
    FoundAt<What> found(const What& what) const {
        return FoundAt<What>{record_.start, record_.end, what};
    }
    template <typename Birth>
    void switched(const Birth& birth) const {
        if (birth.timeline != birth.previous_timeline) {
            facts_.timeline_switches.push_back(
                found(TimelineSwitch{birth.previous_timeline, birth.timeline, birth.time}));
        }
    }

    SegmentFacts& facts_;
    const WalRecord& record_;
};

}  // namespace

SegmentFacts facts_of_segment(std::uint64_t number, std::string_view bytes, const WalReader::Expected& expected,
                              const WalReader::BringSegment& bring_next) {
    const auto bring = [&](std::uint64_t wanted, std::uint64_t length) -> std::optional<std::string_view> {
        if (wanted == number) {
            return bytes;
        }
        return bring_next ? bring_next(wanted, length) : std::nullopt;
    };
    const auto size = expected.segment_size.bytes;
    const Lsn segment_end{(number + 1) * size};
    SegmentFacts facts;
    facts.first_page = WalPage::read(bytes);
    WalReader reader(expected, bring, Lsn{number * size});
    while (reader.position() < segment_end) {
        const auto* const record = reader.next();
        if (record == nullptr || record->start >= segment_end) {
            break;
        }
        ++facts.records;
        if (!facts.first_record) {
            facts.first_record = record->start;
            facts.before_first_record = record->previous;
        }
        facts.last_record = record->start;
        std::visit(Collector(facts, *record), decode(*record));
    }
    if (reader.end() && reader.end()->valid_until < segment_end) {
        facts.end = reader.end();
    }
    return facts;
}

}  // namespace patroni_pgbackrest::postgres
