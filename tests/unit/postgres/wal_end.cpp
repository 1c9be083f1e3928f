#include "postgres/wal_end.hpp"

#include "support/catch.hpp"
#include "wal_builder.hpp"

#include <string>
#include <vector>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::postgres;

namespace {

constexpr Lsn first_segment{1 << 20};

/// Three small records; the third is the one to be damaged.
struct Three {
    WalBuilder wal{1};
    std::vector<Lsn> starts{wal.add_filler(100), wal.add_filler(101), wal.add_filler(102)};
};

}  // namespace

TEST_CASE("the end of the WAL has a reason") {
    Three three;
    auto& wal = three.wal;
    const auto damaged = three.starts[2];
    WalEnd expected{.valid_until = damaged, .at = damaged};
    SECTION("nothing there") {
        expected.reason = WalEndReason::zeros;
        expected.valid_until = expected.at = Lsn{wal.position().value + 2};
    }
    SECTION("zeros in the middle") {
        wal.add_filler(60);
        for (Lsn byte = damaged; byte.value < damaged.value + 102; ++byte.value) {
            wal.at(byte) = 0;
        }
        expected.reason = WalEndReason::zeros;
        expected.more_behind = true;
    }
    SECTION("a wrong checksum") {
        wal.at(Lsn{damaged.value + 30}) = 'y';
        expected.reason = WalEndReason::wrong_checksum;
    }
    SECTION("a wrong checksum in the middle") {
        wal.add_filler(60);
        wal.at(Lsn{damaged.value + 30}) = 'y';
        expected.reason = WalEndReason::wrong_checksum;
        expected.more_behind = true;
    }
    SECTION("a record of another place") {
        wal.at(Lsn{damaged.value + 8}) = 1;
        expected.reason = WalEndReason::wrong_previous;
    }
    SECTION("too short") {
        wal.at(damaged) = 23;
        expected.reason = WalEndReason::wrong_length;
    }
    SECTION("too long") {
        wal.at(Lsn{damaged.value + 3}) = 0x40;
        expected.reason = WalEndReason::wrong_length;
    }
    SECTION("the segment ends within a record") {
        wal.segments[1].resize(damaged.value - first_segment.value + 50);
        expected.reason = WalEndReason::short_segment;
        expected.inside_record = true;
    }
    SECTION("the segment ends behind a record") {
        wal.segments[1].resize(damaged.value - first_segment.value);
        expected.reason = WalEndReason::short_segment;
    }
    const auto end = read_all(wal).end;
    CAPTURE(end.text(), end.valid_until.text(), end.inside_record, end.more_behind);
    CHECK(end == expected);
}

TEST_CASE("pages that do not belong there end the WAL") {
    WalBuilder wal(1);
    wal.fill_until((1 << 20) - 8192);
    const auto last = wal.add_filler(24);
    const Lsn page{(1 << 20) + 8192};
    wal.fill_until((1 << 20) - 3 * 8192);
    REQUIRE(last.value == page.value + 24);
    WalEnd expected{.valid_until = page, .at = page, .more_behind = true};
    auto given = wal.expected();
    SECTION("another address, as in a recycled segment") {
        wal.at(Lsn{page.value + 10}) = 7;
        expected.reason = WalEndReason::other_place;
    }
    SECTION("another magic number") {
        wal.at(page) = 0x11;
        expected.reason = WalEndReason::not_a_page;
    }
    SECTION("another major version") {
        wal.at(page) = 0x0D;
        expected.reason = WalEndReason::not_a_page;
    }
    SECTION("unknown flags") {
        wal.at(Lsn{page.value + 2}) = 0x10;
        expected.reason = WalEndReason::not_a_page;
    }
    SECTION("the long header in the middle") {
        wal.at(Lsn{page.value + 2}) = 0x02;
        expected.reason = WalEndReason::not_a_page;
    }
    SECTION("a later timeline than the file's") {
        wal.at(Lsn{page.value + 4}) = 2;
        expected.reason = WalEndReason::other_timeline;
    }
    SECTION("an earlier timeline than before") {
        wal.at(Lsn{page.value + 4}) = 0;
        expected.reason = WalEndReason::other_timeline;
    }
    SECTION("the rest of a record that has not begun") {
        wal.at(Lsn{page.value + 2}) = 0x01;
        expected.reason = WalEndReason::broken_record;
        expected.at = last;
    }
    SECTION("another cluster") {
        given.system_identifier = "7000000000000000002";
        expected = {.reason = WalEndReason::other_cluster,
                    .valid_until = first_segment,
                    .at = first_segment,
                    .more_behind = true};
    }
    SECTION("another segment size") {
        given.segment_size = SegmentSize{16 << 20};
        // The first segment of that size would begin at 0.
        expected = {
            .reason = WalEndReason::not_a_page, .valid_until = first_segment, .at = first_segment, .more_behind = true};
        WalReader reader(
            given, [&](std::uint64_t, std::uint64_t) { return std::optional<std::string_view>(wal.segments[1]); },
            Lsn{0});
        CHECK(reader.next() == nullptr);
        CHECK(reader.end()->reason == WalEndReason::other_cluster);
        return;
    }
    SECTION("no segment at all") {
        wal.segments.clear();
        expected = {.reason = WalEndReason::no_segment, .valid_until = first_segment, .at = first_segment};
    }
    WalReader reader(given, wal.bring(), first_segment);
    while (reader.next() != nullptr) {
    }
    CHECK(*reader.end() == expected);
}

TEST_CASE("a record that nothing continues is told as begun") {
    WalBuilder wal(1);
    wal.fill_until(1000);
    const auto begun = wal.position();
    wal.add_filler(3000);
    WalEnd expected{.valid_until = begun, .at = Lsn{2 << 20}, .inside_record = true};
    SECTION("no next segment") {
        wal.segments.erase(2);
        expected.reason = WalEndReason::no_segment;
    }
    SECTION("the next segment is empty") {
        wal.segments[2].clear();
        expected.reason = WalEndReason::short_segment;
    }
    SECTION("the next segment is zeros") {
        wal.segments[2].assign(1 << 20, '\0');
        expected.reason = WalEndReason::zeros;
    }
    SECTION("the next segment is a recycled one") {
        wal.at(Lsn{(2 << 20) + 12}) = 1;
        expected.reason = WalEndReason::other_place;
    }
    SECTION("the next segment goes on with another record") {
        wal.at(Lsn{(2 << 20) + 16}) = 1;
        expected.reason = WalEndReason::broken_record;
        expected.more_behind = true;
    }
    SECTION("the next segment begins with a record") {
        wal.at(Lsn{(2 << 20) + 2}) = 2;
        expected.reason = WalEndReason::broken_record;
        expected.more_behind = true;
    }
    CHECK(read_all(wal).end == expected);
}

TEST_CASE("pages that a server made ready and left empty are no more WAL") {
    Three three;
    auto& wal = three.wal;
    auto ready = wal;
    ready.fill_until((1 << 20) - 8192 - 100);
    const Lsn page{(1 << 20) + 8192};
    wal.segments[1].replace(8192, 24, ready.segments[1].substr(8192, 24));
    const auto end = read_all(wal).end;
    CHECK(end.reason == WalEndReason::zeros);
    CHECK_FALSE(end.more_behind);
    wal.at(Lsn{page.value + 24}) = 1;
    CHECK(read_all(wal).end.more_behind);
}

TEST_CASE("a file tells the cluster when the caller does not know it") {
    WalBuilder wal(1);
    wal.fill_until(100);
    wal.add_filler(200);
    wal.add_filler(60);
    auto given = wal.expected();
    given.system_identifier.clear();
    WalBuilder other(2);
    other.identifier = 7000000000000000002;
    other.add_filler(50);
    wal.segments[2].replace(24, 8, other.segments[2].substr(24, 8));
    WalReader reader(given, wal.bring(), first_segment);
    while (reader.next() != nullptr) {
    }
    CHECK(reader.end()->reason == WalEndReason::other_cluster);
    CHECK(reader.end()->inside_record);
}

TEST_CASE("the end is told in words") {
    CHECK(WalEnd{.reason = WalEndReason::wrong_checksum, .at = Lsn{0x1528B10}}.text() ==
          "the record at 0/1528B10 has a wrong checksum");
    CHECK(WalEnd{.reason = WalEndReason::zeros, .at = Lsn{0x1528B10}}.text() == "nothing was written at 0/1528B10");
    CHECK(WalEnd{.reason = WalEndReason::no_segment, .at = Lsn{0x2000000}}.text() ==
          "the segment with 0/2000000 is not there");
    CHECK(WalEnd{.reason = WalEndReason::other_cluster, .at = Lsn{0x2000000}}.text() ==
          "the segment with 0/2000000 belongs to another cluster");
    CHECK(WalEnd{.reason = WalEndReason::broken_record, .at = Lsn{0x2000000}}.text() ==
          "the record before 0/2000000 does not go on there");
}
