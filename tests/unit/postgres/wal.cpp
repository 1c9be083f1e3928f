#include "postgres/wal.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest::postgres;

TEST_CASE("a WAL location is read and written as PostgreSQL writes it") {
    CHECK(Lsn::parse("16/B374D848") == Lsn{0x16'B374'D848});
    CHECK(Lsn::parse("0/0") == Lsn{0});
    CHECK(Lsn::parse("ffffffff/ffffffff") == Lsn{UINT64_MAX});
    CHECK(Lsn{0x16'B374'D848}.text() == "16/B374D848");
    CHECK(Lsn{0x1'0000'0028}.text() == "1/28");
    CHECK(Lsn{0}.text() == "0/0");
}

TEST_CASE("what is no WAL location is refused") {
    const auto* const text = GENERATE("", "/", "0", "0/", "/0", "0/0/0", "0/0 ", " 0/0", "0x1/0", "-1/0", "+1/0", "G/0",
                                      "0/123456789", "123456789/0", "0\\0", "1 /0");
    CAPTURE(text);
    CHECK_FALSE(Lsn::parse(text).has_value());
}

TEST_CASE("a segment's name follows from its timeline, its number and the segment size") {
    const SegmentSize usual;
    const SegmentSize smallest{1ULL << 20};
    const SegmentSize largest{1ULL << 30};
    CHECK(Segment::containing(Timeline{1}, Lsn{0x16'B374'D848}, usual).name(usual) == "0000000100000016000000B3");
    CHECK(Segment::containing(Timeline{0x1F}, Lsn{0x16'B374'D848}, smallest).name(smallest) ==
          "0000001F0000001600000B37");
    CHECK(Segment::containing(Timeline{1}, Lsn{0x16'B374'D848}, largest).name(largest) == "000000010000001600000002");
    CHECK((Segment{Timeline{1}, 255}.next().name(usual)) == "000000010000000100000000");
    CHECK((Segment{Timeline{1}, 255}.start(usual)) == Lsn{0xFF00'0000});
    CHECK((Segment{Timeline{1}, 255}.end(usual)) == Lsn{0x1'0000'0000});
}

TEST_CASE("a segment's name is read back") {
    const SegmentSize size{GENERATE(1ULL << 20, 1ULL << 24, 1ULL << 26, 1ULL << 30)};
    const auto number = GENERATE(0ULL, 1ULL, 255ULL, 256ULL, 0x12345ULL);
    const Segment segment{Timeline{0xABCDEF01}, number};
    CHECK(Segment::parse(segment.name(size), size) == segment);
}

TEST_CASE("names that are no segment of this size are refused") {
    const SegmentSize usual;
    CHECK_FALSE(Segment::parse("000000010000000000000100", usual).has_value());
    CHECK(Segment::parse("000000010000000000000100", SegmentSize{1ULL << 20}).has_value());
    const auto* const name =
        GENERATE("", "00000001000000000000000", "0000000100000000000000010", "000000010000000000000001.partial",
                 "00000001000000000000000g", "00000001000000000000000a", "00000002.history",
                 "000000010000000000000002.00000028.backup");
    CAPTURE(name);
    CHECK_FALSE(Segment::parse(name, usual).has_value());
    CHECK_FALSE(is_segment_name(name));
}

TEST_CASE("segments are ordered by timeline, then by number") {
    CHECK(Segment{Timeline{1}, 9} < Segment{Timeline{2}, 3});
    CHECK(Segment{Timeline{2}, 3} < Segment{Timeline{2}, 4});
}

TEST_CASE("history files are known by their name") {
    CHECK(Timeline{2}.history_file() == "00000002.history");
    CHECK(Timeline{0x1F}.history_file() == "0000001F.history");
    CHECK(Timeline{31}.text() == "31");
    CHECK(is_history_name("0000001F.history"));
    CHECK_FALSE(is_history_name("0000001f.history"));
    CHECK_FALSE(is_history_name("00000001F.history"));
    CHECK_FALSE(is_history_name("00000002.history.gz"));
    CHECK_FALSE(is_history_name("000000010000000000000001"));
}
