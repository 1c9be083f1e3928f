#include "postgres/wal_record.hpp"

#include "support/catch.hpp"
#include "wal_builder.hpp"

#include <chrono>
#include <string>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::postgres;

namespace {

using namespace std::chrono_literals;

/// What the record of that content says, read from a page as in real life.
WalEvent event(int major, std::uint8_t manager, std::uint8_t info, std::uint32_t xid, const std::string& data) {
    WalBuilder wal(1);
    wal.major = major;
    wal.add(manager, info, xid, data);
    WalReader reader(wal.expected(), wal.bring(), Lsn{1 << 20});
    const auto* const record = reader.next();
    REQUIRE(record != nullptr);
    return decode(*record);
}

/// TimestampTz of 2026-11-22 10:18:02.123456 UTC
constexpr std::int64_t timestamp = 848'657'882'123'456;
const WalTime time_of_it = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + 10h + 18min + 2s + 123456us;

std::string zeros(std::size_t count) {
    return std::string(count, '\0');
}

}  // namespace

TEST_CASE("the end of a transaction is told with its time") {
    const auto major = GENERATE(13, 14, 15, 16, 17, 18);
    CHECK(event(major, 1, 0x00, 748, raw(timestamp)) ==
          WalEvent(TransactionEnd{.committed = true, .xid = 748, .time = time_of_it}));
    CHECK(event(major, 1, 0x80, 748, raw(timestamp) + raw(1U) + zeros(8)) ==
          WalEvent(TransactionEnd{.committed = true, .xid = 748, .time = time_of_it}));
    CHECK(event(major, 1, 0x20, 749, raw(timestamp)) ==
          WalEvent(TransactionEnd{.committed = false, .xid = 749, .time = time_of_it}));
    CHECK(event(major, 1, 0x00, 748, raw(timestamp).substr(1)) == WalEvent(UnknownLayout{}));
    CHECK(event(major, 1, 0x00, 748, raw(INT64_MAX)) == WalEvent(UnknownLayout{}));
    CHECK(event(major, 1, 0x10, 748, "a prepared transaction") == WalEvent(OtherRecord{}));
}

TEST_CASE("the end of a prepared transaction is told with the number of that one, whatever else the record holds") {
    const auto major = GENERATE(13, 14, 15, 16, 17, 18);
    const bool has_statistics = major >= 15;
    const auto statistics = has_statistics ? raw(2) + zeros(major >= 18 ? 32 : 24) : "";
    const auto flags = 0x1FU | (has_statistics ? 0x100U : 0U) | 0xA0U;
    const auto data = raw(timestamp) + raw(flags) + zeros(8) + raw(3) + zeros(12) + raw(1) + zeros(12) + statistics +
                      raw(2) + zeros(32) + raw(4711U) + "gid" + zeros(1) + zeros(16);
    CHECK(event(major, 1, 0xB0, 0, data) ==
          WalEvent(TransactionEnd{.committed = true, .prepared = true, .xid = 4711, .time = time_of_it}));
    CHECK(event(major, 1, 0xC0, 9, raw(timestamp) + raw(0x10U) + raw(4711U)) ==
          WalEvent(TransactionEnd{.committed = false, .prepared = true, .xid = 4711, .time = time_of_it}));
    CHECK(event(major, 1, 0xB0, 0, raw(timestamp) + raw(0x12U) + raw(0xFFFFFFFFU)) == WalEvent(UnknownLayout{}));
}

TEST_CASE("checkpoints are told with their timelines and time") {
    const auto major = GENERATE(13, 14, 15, 16, 17, 18);
    const std::int64_t seconds = 1'795'342'682;
    const auto data = raw(std::uint64_t{0x16B374D810}) + raw(3U) + raw(2U) + zeros(8) +
                      raw(std::uint64_t{0x5000002EC}) + zeros(32) + raw(seconds) + zeros(16);
    Checkpoint checkpoint{.shutdown = false,
                          .redo = Lsn{0x16B374D810},
                          .timeline = Timeline{3},
                          .previous_timeline = Timeline{2},
                          .next_xid = 0x5000002EC,
                          .time = time_of_it - 123456us};
    CHECK(event(major, 0, 0x10, 0, data) == WalEvent(checkpoint));
    checkpoint.shutdown = true;
    CHECK(event(major, 0, 0x00, 0, data) == WalEvent(checkpoint));
    CHECK(event(major, 0, 0x00, 0, data.substr(0, 71)) == WalEvent(UnknownLayout{}));
    CHECK(event(major, 0, 0x00, 0, zeros(64) + raw(INT64_MAX) + zeros(16)) == WalEvent(UnknownLayout{}));
}

TEST_CASE("what a restore may be asked for is told") {
    const auto major = GENERATE(13, 14, 15, 16, 17, 18);
    CHECK(event(major, 0, 0x70, 0, raw(timestamp) + "half" + zeros(60)) ==
          WalEvent(RestorePoint{.name = "half", .time = time_of_it}));
    CHECK(event(major, 0, 0x70, 0, raw(timestamp) + std::string(64, 'x')) == WalEvent(UnknownLayout{}));
    CHECK(event(major, 0, 0x90, 0, raw(timestamp) + raw(3U) + raw(2U) + (major >= 17 ? raw(1) : "")) ==
          WalEvent(EndOfRecovery{.timeline = Timeline{3}, .previous_timeline = Timeline{2}, .time = time_of_it}));
    CHECK(event(major, 0, 0x60, 0,
                raw(250) + raw(9) + raw(11) + raw(5) + raw(65) + raw(2) + std::string("\0\1", 2) + zeros(2)) ==
          WalEvent(ParameterChange{.max_connections = 250,
                                   .max_worker_processes = 9,
                                   .max_wal_senders = 11,
                                   .max_prepared_transactions = 5,
                                   .max_locks_per_transaction = 65,
                                   .wal_level = 2,
                                   .wal_log_hints = false,
                                   .track_commit_timestamp = true}));
    CHECK(event(major, 5, 0x00, 748, raw(16389U) + "/srv/fast" + zeros(1)) ==
          WalEvent(TablespaceCreated{.oid = 16389, .path = "/srv/fast"}));
    CHECK(event(major, 5, 0x00, 748, raw(16389U) + "/srv/fast") == WalEvent(UnknownLayout{}));
    CHECK(event(major, 5, 0x10, 748, raw(16389U)) == WalEvent(TablespaceDropped{.oid = 16389}));
    CHECK(event(major, 0, 0x40, 0, "") == WalEvent(SegmentSwitch{}));
    CHECK(event(major, 0, 0x30, 0, raw(24576U)) == WalEvent(OtherRecord{}));
    CHECK(event(major, 10, 0x00, 748, raw(timestamp)) == WalEvent(OtherRecord{}));
}

TEST_CASE("main data is found behind an origin and a top-level transaction") {
    WalRecord record;
    const auto data_of = [&](const std::string& body) {
        const std::string bytes = zeros(24) + body;
        record.bytes = bytes;
        const auto data = record.main_data();
        return data ? std::string(*data) : "nothing";
    };
    CHECK(data_of("\xFF\x03"
                  "abc") == "abc");
    CHECK(data_of("\xFD"
                  "oo\xFC"
                  "xxxx\xFF\x03"
                  "abc") == "abc");
    CHECK(data_of("\xFE" + raw(300U) + std::string(300, 'a')) == std::string(300, 'a'));
    CHECK(data_of("").empty());
    CHECK(data_of("\xFF\x03"
                  "ab") == "nothing");
    CHECK(data_of("\xFF\x03"
                  "abcd") == "nothing");
    CHECK(data_of("\xFF") == "nothing");
    CHECK(data_of("\xFE\x01") == "nothing");
    CHECK(data_of("\xFD"
                  "o") == "nothing");
    CHECK(data_of(std::string("\0\0\0\0", 4)) == "nothing");  // a block
}
