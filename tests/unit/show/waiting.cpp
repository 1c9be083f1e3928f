#include "show/waiting.hpp"

#include "support/catch.hpp"

using namespace patroni_pgbackrest;

TEST_CASE("a replay that stands waits for the segment that is fetched, else for PostgreSQL") {
    const std::vector<std::string> postmaster = {"/usr/lib/postgresql/15/bin/postgres", "-D", "/data.restoring"};
    const std::vector<std::string> startup = {"postgres: startup recovering 000000010000000000000005"};
    const std::vector<std::string> asking = {"/usr/bin/patroni_pgbackrest", "archive-get", "--socket=/tmp/ppb.x/wal",
                                             "000000010000000000000006", "pg_wal/RECOVERYXLOG"};
    const std::vector<std::string> ahead = {"pgbackrest", "--archive-async", "archive-get", "000000010000000000000007",
                                            "/data.restoring.d/spool/delivered/000000010000000000000007"};
    CHECK(waits_for({ahead, postmaster, startup, asking}) == "pgbackrest archive-get of 000000010000000000000006");
    CHECK(waits_for({ahead, postmaster, startup}) ==
          "PostgreSQL, whose process is called postgres: startup recovering 000000010000000000000005");
    CHECK(waits_for({postmaster, startup}) ==
          "PostgreSQL, whose process is called postgres: startup recovering 000000010000000000000005");
    CHECK(waits_for({{"pgbackrest", "archive-get:async", "000000010000000000000006"}}).empty());
}

TEST_CASE("a copy waits for pgbackrest, and so does a plan") {
    CHECK(waits_for({{"pgbackrest", "--stanza=demo", "restore"}}) == "pgbackrest restore");
    CHECK(waits_for({{"pgbackrest", "--stanza=demo", "info"}}) == "pgbackrest, which reads the repository");
    CHECK(waits_for({{"pgbackrest", "repo-get", "archive/demo/archive.info"}}) ==
          "pgbackrest, which reads the repository");
    CHECK(waits_for({{}, {"sh"}}).empty());
}
