#include "pgbackrest/archive_growth.hpp"

#include "support/catch.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::pgbackrest;
using postgres::Timeline;

namespace {

const std::string checksum = "-25846c51366d46035ad434d0252006e8137fb775.gz";

ArchiveEnd two_timelines() {
    ArchiveEnd end;
    end.last_segments[Timeline{1}] = {"000000010000000000000009", 100};
    end.last_segments[Timeline{2}] = {"00000002000000000000000A", 200};
    end.histories = {Timeline{2}};
    return end;
}

std::optional<std::string> behind(const Listed& entry) {
    return two_timelines().first_behind({entry});
}

}  // namespace

TEST_CASE("a later segment of any timeline lies behind the archive's end") {
    CHECK(behind({"00000001000000000000000A" + checksum, false, 0}) == "00000001000000000000000A");
    CHECK(behind({"00000002000000000000000B" + checksum, false, 0}) == "00000002000000000000000B");
    CHECK_FALSE(behind({"000000010000000000000009" + checksum, false, 0}));
    CHECK_FALSE(behind({"00000002000000000000000A" + checksum, false, 0}));
    CHECK_FALSE(behind({"00000002000000000000000B.partial" + checksum, false, 0}));
    CHECK_FALSE(behind({"00000002000000000000000B.00000028.backup", false, 0}));
    CHECK_FALSE(behind({"00000002000000000000000B" + checksum + ".pgbackrest.tmp", false, 0}));
}

TEST_CASE("a new directory and a new timeline's history lie behind it, old ones do not") {
    CHECK(behind({"0000000200000001", true, 0}) == "0000000200000001");
    CHECK_FALSE(behind({"0000000200000000", true, 0}));
    CHECK_FALSE(behind({"0000000300000000", true, 0}));  // its history file comes with it
    CHECK(behind({"00000003.history", false, 0}) == "00000003.history");
    CHECK_FALSE(behind({"00000002.history", false, 0}));
    CHECK_FALSE(behind({"lost+found", true, 0}));
}

TEST_CASE("nothing lies behind an archive that rests") {
    CHECK_FALSE(two_timelines().first_behind({}));
}
