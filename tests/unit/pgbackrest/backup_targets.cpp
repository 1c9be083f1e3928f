#include "support/catch.hpp"

#include "fake.hpp"
#include "pgbackrest/backup_targets.hpp"

using namespace patroni_pgbackrest::pgbackrest;

namespace {

const std::string printed = R"(stanza: demo
    status: ok

        full backup: 20261122-153137F
            wal start/stop: 000000010000000000000002 / 000000010000000000000002
            database list: postgres (13443)
            symlinks:
                pg_wal => /wal/pg_wal
            tablespaces:
                cold (16384) => /disks/cold
                two words (16385) => /disks/two words
)";

}  // namespace

TEST_CASE("links and tablespaces are read from what info prints for people") {
    const auto targets = parse_printed_targets(printed);
    REQUIRE(targets.size() == 3);
    CHECK(targets[0].kind == BackupTarget::Kind::link);
    CHECK(targets[0].name == "pg_wal");
    CHECK(targets[0].id.empty());
    CHECK(targets[0].destination == "/wal/pg_wal");
    CHECK(targets[1].kind == BackupTarget::Kind::tablespace);
    CHECK(targets[1].name == "cold");
    CHECK(targets[1].id == "16384");
    CHECK(targets[1].destination == "/disks/cold");
    CHECK(targets[2].name == "two words");
    CHECK(targets[2].destination == "/disks/two words");
}

TEST_CASE("a backup without links and tablespaces has no targets in what info prints") {
    CHECK(parse_printed_targets("stanza: demo\n            database list: postgres (13443)\n").empty());
    CHECK(parse_printed_targets("").empty());
}

TEST_CASE("a pgbackrest that has no JSON for one set is asked for what it prints") {
    const Fake fake;
    const Variable only("FAKE_ONLY", "*--output=json*");
    const Variable fails("FAKE_FAIL", "27");
    const Variable prints("FAKE_OUTPUT", printed);
    Backup backup{};
    backup.label = "20261122-153137F";
    backup.repository = 1;
    CHECK(TargetsQuery(fake.pgbackrest(), backup).answer().size() == 3);
    REQUIRE(fake.calls().size() == 2);
    CHECK(fake.calls()[1].find("--output") == std::string::npos);
    CHECK(fake.calls()[1].find("--set=20261122-153137F") != std::string::npos);
}
