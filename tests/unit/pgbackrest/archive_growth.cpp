#include "pgbackrest/archive_growth.hpp"

#include "support/catch.hpp"

#include "fake.hpp"
#include "system/failure.hpp"

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

TEST_CASE("an archive that had WAL and is empty now is out of sight, and does not rest") {
    const Fake fake;
    fake.write("repo-ls", R"({".":{"type":"path"}})");
    auto end = two_timelines();
    end.archives = {{"15-1", 1, 1, "00000002000000000000000A"}};
    try {
        GrowthQuery(fake.pgbackrest(), end).answer();
        FAIL("nothing was thrown");
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::repository_unreachable);
        CHECK(std::string(failure.what()) ==
              "archive 15-1 of repo1 is empty, and had WAL to 00000002000000000000000A before");
        CHECK_FALSE(failure.is_lasting());
    }
    end.archives.front().last.clear();
    CHECK_FALSE(GrowthQuery(fake.pgbackrest(), end).answer());
}
