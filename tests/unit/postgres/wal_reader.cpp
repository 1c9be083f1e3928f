#include "postgres/wal_reader.hpp"

#include "postgres/crc32c.hpp"
#include "support/catch.hpp"
#include "wal_builder.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::postgres;

namespace {

constexpr Lsn first_segment{1 << 20};

}  // namespace

TEST_CASE("the checksum is CRC-32C") {
    CHECK(crc32c("") == 0);
    CHECK(crc32c("123456789") == 0xE3069283);  // the check value in every catalogue of them
    CHECK(crc32c("6789", crc32c("12345")) == 0xE3069283);
    CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AA);  // RFC 3720, B.4
    std::string bytes;
    for (unsigned char byte = 0; byte < 250; ++byte) {
        CHECK(crc32c_by_tables(bytes, 7) == crc32c(bytes, 7));
        bytes.push_back(static_cast<char>(byte * 37));
    }
    CHECK(crc32c_by_tables("123456789") == 0xE3069283);
}

TEST_CASE("records are told in order, across pages and segments") {
    const auto major = GENERATE(13, 14, 15, 16, 17, 18);
    WalBuilder wal(1);
    wal.major = major;
    std::vector<Lsn> starts;
    starts.push_back(wal.add_filler(24));
    starts.push_back(wal.add_filler(8192 - 40 - 24));  // to the page's last byte
    starts.push_back(wal.add_filler(25));
    starts.push_back(wal.add_filler(20000));
    starts.push_back(wal.add_filler(3 << 20));  // over three segments
    starts.push_back(wal.add(1, 0, 4711, "12345678"));
    const auto end = wal.position();
    CHECK(starts[0] == Lsn{(1 << 20) + 40});
    CHECK(starts[2] == Lsn{(1 << 20) + 8192 + 24});
    CHECK(wal.segments.size() == 4);

    WalReader reader(wal.expected(), wal.bring(), first_segment);
    Lsn previous{0};
    for (const auto start : starts) {
        const auto* const record = reader.next();
        REQUIRE(record != nullptr);
        CHECK(record->start == start);
        CHECK(record->previous == previous);
        CHECK(record->timeline == Timeline{1});
        CHECK(record->major == major);
        CHECK(record->end == reader.position());
        CHECK(record->end.value % 8 == 0);
        previous = record->start;
    }
    CHECK(reader.position().value == (end.value + 7) / 8 * 8);
    CHECK(reader.next() == nullptr);
    CHECK(*reader.end() ==
          WalEnd{.reason = WalEndReason::zeros, .valid_until = reader.position(), .at = reader.position()});
}

TEST_CASE("what a record is of lies in its header") {
    WalBuilder wal(1);
    wal.add(1, 0x83, 4711, "12345678");
    WalReader reader(wal.expected(), wal.bring(), first_segment);
    const auto* const record = reader.next();
    REQUIRE(record != nullptr);
    CHECK(record->xid == 4711);
    CHECK(record->resource_manager == 1);
    CHECK(record->info == 0x80);
    CHECK(record->bytes.size() == 24 + 2 + 8);
    CHECK(record->main_data() == "12345678");
}

TEST_CASE("a header that lies on two pages is read") {
    WalBuilder wal(1);
    wal.add_filler(8192 - 40 - 16);
    const auto start = wal.add_filler(60);
    CHECK(start.value % 8192 == 8192 - 16);
    const auto reading = read_all(wal);
    REQUIRE(reading.starts.size() == 2);
    CHECK(reading.starts[1] == start);
    CHECK(reading.end.reason == WalEndReason::zeros);
}

TEST_CASE("reading begins with the first record that begins in a segment") {
    WalBuilder wal(1);
    wal.fill_until(1000);
    wal.add_filler(1000 + 2 * 8192);
    const auto first = wal.add_filler(50);
    const auto second = wal.add_filler(51);
    CHECK(first.value > (2 << 20) + 2 * 8192);
    CHECK(read_all(wal, Lsn{2 << 20}).starts == std::vector{first, second});
    CHECK(read_all(wal, first).starts == std::vector{first, second});
    CHECK(read_all(wal, Lsn{first.value + 8}).end.reason != WalEndReason::zeros);
    CHECK(read_all(wal, Lsn{first.value + 1}).end.reason == WalEndReason::broken_record);

    // A wrong length of the rest leads to the second record. That one does not follow a record of the segment before.
    wal.at(Lsn{(2 << 20) + 2 * 8192 + 16}) += 56;
    const auto reading = read_all(wal, Lsn{2 << 20});
    CHECK(reading.starts.empty());
    CHECK(reading.end.reason == WalEndReason::wrong_previous);
    CHECK(reading.end.at == second);
}

TEST_CASE("only the segments that are needed are asked for, each once") {
    WalBuilder wal(1);
    wal.fill_until(1000);
    const auto across = wal.add_filler(1 << 20);
    wal.add_filler(70);
    std::vector<std::uint64_t> asked;
    const auto bring = [&](std::uint64_t number, std::uint64_t bytes) {
        asked.push_back(number);
        return wal.bring()(number, bytes);
    };
    WalReader reader(wal.expected(), bring, first_segment);
    CHECK(asked.empty());
    while (reader.position() < across) {
        REQUIRE(reader.next() != nullptr);
    }
    CHECK(asked == std::vector<std::uint64_t>{1});
    REQUIRE(reader.next() != nullptr);
    REQUIRE(reader.next() != nullptr);
    CHECK(reader.next() == nullptr);
    CHECK(asked == std::vector<std::uint64_t>{1, 2, 3});
}

TEST_CASE("a segment that comes in pieces reads as one that comes as a whole") {
    WalBuilder wal(1);
    wal.add_filler(300000);
    wal.fill_until(1000);
    const auto across_segments = wal.add_filler(300000);
    const auto last = wal.add_filler(50);
    SECTION("to its end") {}
    SECTION("with more behind its end") {
        wal.at(Lsn{last.value + 30}) = 'y';
    }
    SECTION("cut short") {
        wal.segments[2].resize(200000);
    }
    SECTION("with a record that does not go on") {
        wal.at(Lsn{(1 << 20) + 20 * 8192}) = 'y';
    }
    SECTION("with a page that is damaged behind its end") {
        wal.segments[2].replace(900000, 8, "damaged!");
    }

    std::map<std::uint64_t, std::uint64_t> most;  // that was asked for
    std::string brought;                          // each piece takes the place of the last one
    const auto bring = [&](std::uint64_t number, std::uint64_t bytes) -> std::optional<std::string_view> {
        const auto segment = wal.bring()(number, bytes);
        if (!segment) {
            return std::nullopt;
        }
        CHECK(bytes > most[number]);
        most[number] = bytes;
        brought = std::string(segment->substr(0, bytes + 100000));
        brought.shrink_to_fit();
        return brought;
    };
    WalReader reader(wal.expected(), bring, first_segment);
    Reading reading;
    while (const auto* const record = reader.next()) {
        reading.starts.push_back(record->start);
        reading.ends.push_back(record->end);
        if (most.size() == 1 && record->start < across_segments) {
            CHECK(most[1] <= record->end.value - (1 << 20) + WalPage::size);
        }
    }
    const auto whole = read_all(wal);
    CHECK(reading.starts == whole.starts);
    CHECK(reading.ends == whole.ends);
    CHECK(*reader.end() == whole.end);
}

TEST_CASE("a segment switch skips the rest of its segment") {
    WalBuilder wal(1);
    const auto switched = wal.switch_segment();
    const auto next = wal.add_filler(50);
    CHECK(next == Lsn{(2 << 20) + 40});
    wal.at(Lsn{switched.value + 24}) = 'x';  // nobody looks at it
    const auto reading = read_all(wal);
    CHECK(reading.starts == std::vector{switched, next});
    CHECK(reading.ends[0] == Lsn{2 << 20});
}

TEST_CASE("a record that a crash cut is passed over where the server wrote on instead") {
    WalBuilder wal(1);
    const auto before = wal.add_filler(8000);
    auto with_lost = wal;
    const auto lost = with_lost.add_filler(9000);
    const Lsn page{(1 << 20) + 8192};
    // The first part as it is on disk, the rest never written.
    for (auto byte = lost; byte < page; ++byte.value) {
        wal.at(byte) = with_lost.at(byte);
    }
    SECTION("and the record there says so") {
        const auto overwriting = wal.overwrite(lost, page.value);
        const auto after = wal.add_filler(60);
        CHECK(read_all(wal).starts == std::vector{before, overwriting, after});
        CHECK(read_all(wal, page).starts == std::vector{overwriting, after});
    }
    SECTION("but not when it speaks of another one") {
        const auto overwriting = wal.overwrite(Lsn{lost.value + 8}, page.value);
        const auto reading = read_all(wal);
        CHECK(reading.starts == std::vector{before});
        CHECK(reading.end.reason == WalEndReason::broken_record);
        CHECK(reading.end.at == overwriting);
    }
    SECTION("or when no page says so") {
        const auto reading = read_all(wal);
        CHECK(reading.starts == std::vector{before});
        CHECK(reading.end ==
              WalEnd{.reason = WalEndReason::zeros, .valid_until = lost, .at = page, .inside_record = true});
    }
}

TEST_CASE("a record with any byte changed is never accepted") {
    WalBuilder wal(1);
    wal.add_filler(8192 - 40 - 200);
    const auto damaged = wal.add(1, 0x80, 4711, std::string(300, 'c'));  // on two pages
    wal.add_filler(60);
    const Lsn end{damaged.value + 24 + 5 + 300 + 24};
    const Lsn page{(1 << 20) + 8192};
    for (Lsn byte = damaged; byte < end; ++byte.value) {
        if (byte.value >= page.value + 20 && byte.value < page.value + 24) {
            continue;  // padding of the page header
        }
        for (const int change : {0x01, 0x80, 0xFF}) {
            auto& there = wal.at(byte);
            const char before = there;
            there = static_cast<char>(before ^ change);
            const auto reading = read_all(wal);
            // XLP_BKP_REMOVABLE means nothing to a reader.
            CAPTURE(byte.text(), change);
            CHECK(reading.starts.size() == 1);
            there = before;
        }
    }
    CHECK(read_all(wal).starts.size() == 3);
}

TEST_CASE("a segment cut anywhere is read up to there") {
    WalBuilder wal(1);
    std::vector<Lsn> ends;
    while (wal.position().value < first_segment.value + 2 * 8192) {
        wal.add(1, 0, 4711, std::string(400, 'c'));
        ends.push_back(wal.position());
    }
    const auto whole = wal.segments[1];
    for (std::size_t size = 0; size < 3 * 8192; ++size) {
        wal.segments[1] = whole.substr(0, size);
        wal.segments[1].shrink_to_fit();  // so that a sanitizer sees a read behind the end
        const auto reading = read_all(wal);
        std::size_t fit = 0;
        while (fit < ends.size() && ends[fit].value <= first_segment.value + size) {
            ++fit;
        }
        if (reading.starts.size() != fit) {
            CAPTURE(size);
            CHECK(reading.starts.size() == fit);
        }
        if (fit < ends.size() && reading.end.reason != WalEndReason::short_segment) {
            CAPTURE(size);
            CHECK(reading.end.reason == WalEndReason::short_segment);
        }
    }
}
