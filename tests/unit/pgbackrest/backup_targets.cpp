#include "support/catch.hpp"

#include "fake.hpp"
#include "info_samples.hpp"
#include "pgbackrest/backup_targets.hpp"
#include "system/failure.hpp"

using namespace patroni_pgbackrest;
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

Backup set_of_repo1() {
    Backup backup{};
    backup.label = "20261122-153137F";
    backup.repository = 1;
    return backup;
}

/// What comes of an `info --set` that exits with 0.
Failure failure_of_targets(const Fake& fake, const std::string& output, unsigned retries = 0) {
    const Variable prints("FAKE_OUTPUT", output);
    try {
        TargetsQuery(fake.pgbackrest(), set_of_repo1()).answer({retries, std::chrono::seconds(0)});
    } catch (const Failure& failure) {
        return failure;
    }
    return Failure(ExitCode::done, "nothing was thrown", "");
}

std::string answer_with(int code, const std::string& message) {
    return samples::without_backups(samples::repository(1, code, message), code);
}

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

TEST_CASE("a number of a tablespace that is none is told as what cannot be read") {
    const auto with_number = [](const std::string& number) {
        return R"([{"backup": [{"label": "set", "tablespace": [{"name": "cold", "oid": )" + number +
               R"(, "destination": "/disks/cold"}]}]}])";
    };
    CHECK(parse_targets(with_number("16384"), "set").value().at(0).id == "16384");
    CHECK_FALSE(parse_targets(with_number("16384"), "another"));
    for (const std::string number : {"1.76e58", "-1", "0.5"}) {
        CAPTURE(number);
        CHECK_THROWS_AS(parse_targets(with_number(number), "set"), patroni_pgbackrest::Failure);
    }
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
    CHECK(TargetsQuery(fake.pgbackrest(), set_of_repo1()).answer().size() == 3);
    REQUIRE(fake.calls().size() == 2);
    CHECK(fake.calls()[1].find("--output") == std::string::npos);
    CHECK(fake.calls()[1].find("--set=20261122-153137F") != std::string::npos);
}

TEST_CASE("an answer that does not have the set does not mean that it has no tablespaces") {
    const Fake fake;
    const auto damaged = failure_of_targets(fake, answer_with(99, "[ChecksumError] invalid checksum"));
    CHECK(damaged.code() == ExitCode::pgbackrest_failed);
    CHECK(std::string(damaged.what()) ==
          "backup set 20261122-153137F cannot be read: [ChecksumError] invalid checksum");
    CHECK_FALSE(damaged.problems().front().hint.empty());
    const auto missing = failure_of_targets(fake, answer_with(6, "requested backup not found"));
    CHECK(missing.code() == ExitCode::target_not_reachable);
    CHECK(std::string(missing.what()) == "backup set 20261122-153137F has no backup.manifest in repo1");
    CHECK(failure_of_targets(fake, answer_with(1, "missing stanza path")).code() == ExitCode::repository_unreachable);
    CHECK(fake.calls().size() == 3);
    CHECK(failure_of_targets(fake, answer_with(99, "[HostConnectError] timeout"), 2).code() ==
          ExitCode::repository_unreachable);
    CHECK(fake.calls().size() == 6);  // it may pass
}

TEST_CASE("neither does one that is printed for people") {
    const Fake fake;
    const Variable only("FAKE_ONLY", "*--output=json*");
    const Variable fails("FAKE_FAIL", "27");
    const std::string status = "stanza: demo\n    status: error ";
    CHECK(failure_of_targets(fake, status + "(requested backup not found)").code() == ExitCode::target_not_reachable);
    CHECK(failure_of_targets(fake, status + "(missing stanza path)").code() == ExitCode::repository_unreachable);
    const auto damaged = failure_of_targets(fake, status + "(other)\n            [ChecksumError] invalid checksum");
    CHECK(damaged.code() == ExitCode::pgbackrest_failed);
    CHECK(std::string(damaged.what()) ==
          "backup set 20261122-153137F cannot be read: [ChecksumError] invalid checksum");
}

TEST_CASE("a restore writes to mapped places, and to links that a map makes") {
    using Places = std::vector<std::filesystem::path>;
    const std::vector<BackupTarget> targets{{BackupTarget::Kind::tablespace, "ts1", "16385", "/ts1"},
                                            {BackupTarget::Kind::tablespace, "ts2", "16386", "/ts2"},
                                            {BackupTarget::Kind::link, "log", "", "../log"},
                                            {BackupTarget::Kind::link, "conf.d/own.conf", "", "../etc/own.conf"}};
    CHECK(places_of(restored_targets(targets, {}, "/pg/data")) == Places{"/ts1", "/ts2"});
    CHECK(places_of(restored_targets(targets, {{"link-all"}}, "/pg/data")) ==
          Places{"/ts1", "/ts2", "/pg/log", "/pg/data/etc/own.conf"});
    const std::vector<Option> mapped{{"tablespace-map", "16385=/new1"},
                                     {"tablespace-map-all", "/all"},
                                     {"link-map", "log=/logs"},
                                     {"link-map", "pg_wal=/wal"}};
    CHECK(places_of(restored_targets(targets, mapped, "/pg/data")) == Places{"/new1", "/all/ts2", "/logs", "/wal"});
    CHECK(places_of(restored_targets(targets, mapped, "/pg/data"), BackupTarget::Kind::tablespace) ==
          Places{"/new1", "/all/ts2"});
}

TEST_CASE("what goes to a place is known in the manifest by its target") {
    const std::vector<BackupTarget> targets{{BackupTarget::Kind::tablespace, "ts1", "16385", "/ts1"},
                                            {BackupTarget::Kind::link, "log", "", "../log"}};
    const auto restored = restored_targets(targets, {{"link-all"}, {"link-map", "pg_wal=/wal"}}, "/pg/data");
    REQUIRE(restored.size() == 3);
    CHECK(restored[0].files == "pg_tblspc/16385");
    CHECK(restored[1].files == "pg_data/log");
    CHECK(restored[2].files == "pg_data/pg_wal");
    CHECK(restored[2].place == "/wal");
}
