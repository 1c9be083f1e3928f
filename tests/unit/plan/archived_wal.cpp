#include "plan/archived_wal.hpp"

#include "support/catch.hpp"
#include "unit/pgbackrest/fake.hpp"
#include "unit/postgres/wal_builder.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <string>

using namespace patroni_pgbackrest;
using postgres::Lsn;
using postgres::Segment;
using postgres::Timeline;

namespace {

constexpr postgres::SegmentSize four_megabytes{4U << 20};

std::string name_of(std::uint64_t number) {
    return Segment{Timeline{1}, number}.name(four_megabytes);
}

/// Segments 1 and 2 end in a record that ends in the next one; behind segment 3 there is none.
struct ThreeSegments {
    Fake fake;
    WalBuilder wal{4};  // megabytes
    Lsn into_second, into_third;

    explicit ThreeSegments(std::uint32_t into_third_bytes = 3000) {
        wal.segment_size = four_megabytes.bytes;
        wal.add_filler(50);
        wal.fill_until(1000);
        into_second = wal.add_filler(3000);
        wal.fill_until(1000);
        into_third = wal.add_filler(into_third_bytes);
        wal.add_filler(50);
    }

    RepositoryWal archived() const {
        pgbackrest::ArchiveContent archive;
        for (const auto& [number, bytes] : wal.segments) {
            const auto file = fmt::format("{}-{:040x}", name_of(number), number);
            archive.segments.add({1, "archive/demo/15-1/" + file});
            archive.last_segments[Timeline{1}] = {name_of(number), {}};
            fake.write("archive_demo_15-1_" + file, bytes);
        }
        return RepositoryWal(fake.pgbackrest(), {0, std::chrono::seconds(0)}, archive, four_megabytes,
                             std::to_string(wal.identifier));
    }
    /// Of that segment.
    std::ptrdiff_t fetches(std::uint64_t number) const {
        const auto calls = fake.calls();
        return std::count_if(calls.begin(), calls.end(), [&](const auto& call) {
            return call.find("repo-get archive/demo/15-1/" + name_of(number)) != std::string::npos;
        });
    }
};

}  // namespace

TEST_CASE("whichever way segments are gone through, each is fetched once and tells its last record") {
    const ThreeSegments given;
    auto wal = given.archived();
    const bool is_forward = GENERATE(true, false);
    for (const std::uint64_t step : {1, 2, 3}) {
        const auto number = is_forward ? step : 4 - step;
        const auto& facts = wal.facts(name_of(number));
        CHECK(facts.last_record > Lsn{number * four_megabytes.bytes});
        if (number < 3) {
            CHECK(facts.last_record == (number == 1 ? given.into_second : given.into_third));
            CHECK_FALSE(facts.end);
        } else {
            CHECK(facts.end->reason == postgres::WalEndReason::zeros);
        }
    }
    for (const std::uint64_t number : {1, 2, 3}) {
        CHECK(given.fetches(number) == 1);
    }
}

TEST_CASE("a record that ends behind the beginning of the next segment is read to its end") {
    const ThreeSegments given(2U << 20);
    auto wal = given.archived();
    wal.facts(name_of(3));
    const auto& facts = wal.facts(name_of(2));
    CHECK(facts.last_record == given.into_third);
    CHECK_FALSE(facts.end);
    CHECK(given.fetches(2) == 1);
    CHECK(given.fetches(3) == 2);
}

TEST_CASE("what is damaged behind the beginning of the next segment has more behind it") {
    ThreeSegments given;
    given.wal.fill_until(1000);
    given.wal.at(Lsn{3 * four_megabytes.bytes + 16}) = 'x';  // the length of the rest
    auto& last = given.wal.segments.at(3);
    std::fill(last.begin() + 40, last.begin() + (3 << 20), '\0');
    auto wal = given.archived();
    wal.facts(name_of(3));
    const auto& end = wal.facts(name_of(2)).end;
    REQUIRE(end);
    CHECK(end->reason == postgres::WalEndReason::broken_record);
    CHECK(end->inside_record);
    CHECK(end->more_behind);
}

TEST_CASE("the first record from an LSN on is looked for in one pass") {
    const ThreeSegments given;
    auto wal = given.archived();
    const auto found = wal.first_record_from(name_of(2), Lsn{2 * four_megabytes.bytes + 100000});
    REQUIRE(found);
    CHECK(found->start > Lsn{2 * four_megabytes.bytes + 100000});
    wal.facts(name_of(2));
    CHECK(given.fetches(2) == 1);
    CHECK(given.fetches(3) == 1);
    CHECK(wal.first_record_from(name_of(2), given.into_third)->end > Lsn{3 * four_megabytes.bytes});
}
