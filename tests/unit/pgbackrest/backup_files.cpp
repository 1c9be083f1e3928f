#include "support/catch.hpp"

#include "fake.hpp"
#include "pgbackrest/backup_files.hpp"

using namespace patroni_pgbackrest::pgbackrest;

namespace {

using Files = std::vector<TargetFiles>;

// Lines as 2.33, 2.45 and 2.59 write them.
const std::vector<std::string> manifest = {
    "[backup]",
    R"(backup-label="20261122-153137F")",
    "",
    "[backup:target]",
    R"(pg_data={"path":"/pg/data","type":"path"})",
    R"(pg_data/pg_wal={"path":"/wal/pg_wal","type":"link"})",
    R"(pg_tblspc/16385={"path":"/ts1","tablespace-id":"16385","tablespace-name":"ts1","type":"link"})",
    "",
    "[target:file]",
    R"(pg_data/PG_VERSION={"checksum":"587b596f04f7db9c2cad3d6b87dd2b3a05de4f35","master":true,"repo-size":23,"size":3,"timestamp":1606000000})",
    R"(pg_data/base/5/1259={"bi":1,"bim":98,"bni":1,"checksum":"aa","checksum-page":true,"rck":"bb","repo-size":700,"size":8192,"szo":16384,"timestamp":1606000000})",
    R"(pg_data/odd={"size":9}={"size":5,"timestamp":1606000000})",
    R"(pg_data/pg_wal/archive_status/x={"size":1,"timestamp":1606000000})",
    R"(pg_data/pg_wal/conf/own.conf={"size":10,"timestamp":1606000000})",
    R"(pg_data/pg_walk={"size":100,"timestamp":1606000000})",
    R"(pg_tblspc/16385/PG_15_202209061/5/16391={"checksum":"cc","size":1000000000000,"timestamp":1606000000})",
    R"(pg_tblspc/163850/PG_15_202209061/5/16391={"checksum":"cc","size":7,"timestamp":1606000000})",
    R"(pg_data/pg_stat/partial={"timestamp":1606000000})",
    "",
    "[target:file:default]",
    R"(mode="0600")",
    R"(x={"size":1})",
    "",
    "[target:link]",
    R"(pg_data/pg_wal={"destination":"/wal/pg_wal"})",
    R"(pg_data/own.conf={"destination":"/etc/own.conf"})",
    "",
    "[target:path]",
    R"(pg_data={})",
    R"(pg_data/pg_wal={"mode":"0750"})",
    R"(pg_tblspc/16385={})",
    R"(pg_tblspc/16385/PG_15_202209061={})",
};

std::optional<Files> files_in(const std::vector<std::string>& lines, const std::vector<std::string>& targets) {
    TargetsInManifest seen(targets);
    for (const auto& line : lines) {
        seen.read(line);
    }
    return seen.found();
}

}  // namespace

TEST_CASE("the files of a manifest are added up by target, and the rest is the data directory's") {
    CHECK(files_in(manifest, {}) == Files{{1000000008318, true}});
    CHECK(files_in(manifest, {"pg_tblspc/16385", "pg_data/pg_wal"}) ==
          Files{{1000000000000, true}, {11, true}, {8307, true}});
    CHECK(files_in(manifest, {"pg_data/pg_wal", "pg_data/pg_wal/conf/own.conf", "pg_tblspc/163850"}) ==
          Files{{1, true}, {10, false}, {7, false}, {1000000008300, true}});
}

TEST_CASE("what is no manifest tells nothing") {
    CHECK_FALSE(files_in({}, {"pg_data/pg_wal"}));
    CHECK_FALSE(files_in({"Salted__", R"(pg_data/PG_VERSION={"size":3})"}, {}));
}

TEST_CASE("the manifest is asked of the backup's repository, and tells nothing when that does not answer") {
    const Fake fake;
    Backup backup{};
    backup.label = "20261122-153137F";
    backup.repository = 2;
    {
        const Variable prints("FAKE_OUTPUT", "[target:file]\npg_data/PG_VERSION={\"size\":3}\n");
        CHECK(files_of_targets(fake.pgbackrest(), backup, {}) == Files{{3, true}});
        CHECK(number_of_files(fake.pgbackrest(), backup) == 1);
        CHECK(fake.calls().back().find("--repo=2") != std::string::npos);
        CHECK(fake.calls().back().ends_with("repo-get backup/demo/20261122-153137F/backup.manifest"));
    }
    const Variable fails("FAKE_FAIL", "37");
    CHECK_FALSE(files_of_targets(fake.pgbackrest(), backup, {}));
    CHECK_FALSE(number_of_files(fake.pgbackrest(), backup));
}
