#include "replay/position.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;

TEST_CASE("a segment has its place among the planned ones, across timelines") {
    PlannedWal planned;
    planned.ranges = {{segment(1, 5), segment(1, 7)}, {segment(2, 7), segment(2, 9)}};
    planned.segments = 6;
    CHECK(segments_before(planned, segment(1, 5), segment_size) == 0U);
    CHECK(segments_before(planned, segment(1, 7), segment_size) == 2U);
    CHECK(segments_before(planned, segment(2, 7), segment_size) == 3U);
    CHECK(segments_before(planned, segment(2, 9), segment_size) == 5U);
    CHECK(segments_before(planned, segment(1, 4), segment_size) == 0U);
    CHECK(segments_before(planned, segment(2, 10), segment_size) == 6U);
    CHECK_FALSE(segments_before(planned, segment(1, 8), segment_size));
    CHECK_FALSE(segments_before(planned, segment(2, 6), segment_size));
    CHECK_FALSE(segments_before(planned, "00000002.history", segment_size));
}

TEST_CASE("behind the plan all of it is replayed, and a file that is not there has no commit") {
    const Files files;
    PlannedWal planned;
    planned.ranges = {{segment(1, 5), segment(1, 7)}};
    planned.segments = 3;
    const auto position = position_at(planned, segment(1, 8), segment_size, files.path());
    REQUIRE(position);
    CHECK(position->behind == 3U);
    CHECK(position->at == postgres::Lsn{8ULL << 24});
    CHECK_FALSE(position->commit);
    CHECK_FALSE(position_at(planned, "00000002.history", segment_size, files.path()));
    files.write("pg_wal/" + segment(1, 6), "no WAL");
    CHECK_FALSE(position_at(planned, segment(1, 6), segment_size, files.path())->commit);
}
