#include "support/catch.hpp"

#include "pgbackrest/log_line.hpp"

using namespace patroni_pgbackrest;
using pgbackrest::LogLine;
using pgbackrest::parse_log_line;

namespace {

void check(const char* line, log::Level level, const char* text, bool continued = false) {
    INFO(line);
    const LogLine parsed = parse_log_line(line);
    CHECK(parsed.level == level);
    CHECK(parsed.text == text);
    CHECK(parsed.continued == continued);
}

}  // namespace

TEST_CASE("a line of the console loses its process number and level") {
    check("P00   INFO: restore backup set 20261122-111728F", log::Level::info, "restore backup set 20261122-111728F");
    check("P00   WARN: repo1: [HostConnectError] unable to load info file", log::Level::warning,
          "repo1: [HostConnectError] unable to load info file");
    check("P00  ERROR: [075]: no backup set found to restore", log::Level::error,
          "[075]: no backup set found to restore");
    check("P00 ASSERT: [025]: invalid PostgreSQL version 150000", log::Level::error,
          "[025]: invalid PostgreSQL version 150000");
    check("P01 DETAIL: restore file /data/PG_VERSION (3B, 100.00%)", log::Level::debug,
          "restore file /data/PG_VERSION (3B, 100.00%)");
    check("P123  DEBUG: x", log::Level::debug, "x");
}

TEST_CASE("a line of stderr has neither process number nor indentation") {
    check("ERROR: [031]: invalid option '--log-timestamp=n'", log::Level::error,
          "[031]: invalid option '--log-timestamp=n'");
    check("WARN: configuration file contains command-line only option 'type'", log::Level::warning,
          "configuration file contains command-line only option 'type'");
}

TEST_CASE("a timestamp before the process number is skipped") {
    check("2026-11-22 11:18:59.661 P00  ERROR: [055]: unable to open missing file", log::Level::error,
          "[055]: unable to open missing file");
}

TEST_CASE("an indented line belongs to the one before") {
    check("            HINT: has a stanza-create been performed?", log::Level::info,
          "HINT: has a stanza-create been performed?", true);
    check("", log::Level::info, "", true);
}

TEST_CASE("what is no line of pgBackRest's log is passed on as it is") {
    check("pgbackrest: error while loading shared libraries: libssl.so.3", log::Level::info,
          "pgbackrest: error while loading shared libraries: libssl.so.3");
    check("PARTIAL: x", log::Level::info, "PARTIAL: x");
}

TEST_CASE("a line of a restored file tells how much of the backup is in place") {
    const auto in_place = [](const std::string& line) { return pgbackrest::percent_of_restored_file(line); };
    CHECK(in_place("P01 DETAIL: restore file /data/base/1/2 (8KB, 45.67%) checksum 5ba93c9db0cff93f52b521d7420e43f6") ==
          45.67);
    CHECK(in_place("P01 DETAIL: restore file /data/base/1/2 - exists and matches backup (8KB, 100.00%) checksum 5b") ==
          100.0);
    CHECK(in_place("P01 DETAIL: restore zeroed file /data/base/1/2 (bundle 1/96, 8KB, 0.04%)") == 0.04);
    CHECK(in_place("2026-11-22 11:18:59.661 P01 DETAIL: restore file /data/PG_VERSION (3B, 7%) checksum 5b") == 7.0);
    CHECK_FALSE(in_place("P00   INFO: restore size = 29.6MB, file total = 968"));
    CHECK_FALSE(in_place("P00 DETAIL: sync path '/data/base'"));
    CHECK_FALSE(in_place("P00 DETAIL: restore nothing"));
    CHECK_FALSE(in_place("P00   WARN: restore file (8KB, 45.67%)"));
    CHECK_FALSE(in_place("P00 DETAIL: restore file x (8KB, much%)"));
    CHECK_FALSE(in_place("P00 DETAIL: restore file x (8KB, 101.00%)"));
    CHECK_FALSE(in_place("P00 DETAIL: restore file%)"));
    CHECK_FALSE(in_place(""));
}
