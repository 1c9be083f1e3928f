#include "postgres/server_log.hpp"

#include "support/catch.hpp"
#include "support/forked.hpp"
#include "system/log.hpp"

#include <string>
#include <vector>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::postgres;

namespace {

RecoveryLog read(const std::vector<std::string>& lines) {
    ServerLog log(SegmentSize{});
    for (const auto& line : lines) {
        log.take(line);
    }
    return log.recovery();
}

std::string restored(const std::string& name) {
    return "postgres: LOG:  restored log file \"" + name + "\" from archive";
}

}  // namespace

TEST_CASE("the log tells how far the recovery came") {
    const auto log = read({
        "postgres: LOG:  starting point-in-time recovery to 2026-11-22 07:28:41+00",
        restored("00000002.history"),
        restored("000000010000000000000002"),
        "postgres: LOG:  redo starts at 0/2000028",
        "postgres: LOG:  consistent recovery state reached at 0/2000100",
        restored("000000010000000000000003"),
        "postgres: LOG:  recovery stopping before commit of transaction 748, time 2026-11-22 07:28:42.1+00",
        "postgres: LOG:  redo done at 0/3FFFFF0 system usage: CPU: user: 0.64 s, system: 1.36 s, elapsed: 3.06 s",
        "postgres: LOG:  last completed transaction was at log time 2026-11-22 07:28:40.812251+00",
        restored("000000010000000000000002"),
        "postgres: LOG:  selected new timeline ID: 3",
    });
    CHECK(log.last_restored == "000000010000000000000003");
    CHECK(log.restored == 2);
    CHECK(log.redo_start == Lsn{0x2000028});
    CHECK(log.redo_end == Lsn{0x3FFFFF0});
    CHECK(log.consistent);
    CHECK(log.stop == "recovery stopping before commit of transaction 748, time 2026-11-22 07:28:42.1+00");
    CHECK(log.last_transaction_time == "2026-11-22 07:28:40.812251+00");
    CHECK(log.new_timeline == Timeline{3});
    CHECK_FALSE(log.invalid_record.has_value());
}

TEST_CASE("redo done of PostgreSQL 13 is understood") {
    CHECK(read({"postgres: LOG:  redo done at 0/3FFFFF0"}).redo_end == Lsn{0x3FFFFF0});
}

TEST_CASE("a damaged record in what the archive delivered is told, in the words of 13 to 18") {
    const auto* const words = GENERATE(
        "incorrect resource manager data checksum in record at 0/630F830",
        "record with incorrect prev-link 0/630F76F at 0/630F830", "invalid resource manager ID 96 at 0/630F830",
        "invalid record length at 0/630F830: wanted 24, got 0",
        "invalid record length at 0/630F830: expected at least 24, got 0",
        "invalid contrecord length 80 (expected 2095152) at 0/5FFFFF0", "record length 2097152 at 0/630F830 too long",
        "there is no contrecord flag at 0/67CFF98",
        "invalid magic number 0000 in log segment 000000010000000000000006, offset 8192000",
        "invalid magic number 0000 in WAL segment 000000010000000000000006, LSN 0/67D0000, offset 8192000",
        "unexpected pageaddr 0/9000000 in WAL segment 000000010000000000000006, LSN 0/6000000, offset 0",
        "unexpected timeline ID 9 in log segment 000000010000000000000006, offset 8192000",
        "out-of-sequence timeline ID 1 (after 2) in log segment 000000010000000000000006, offset 8192000",
        "WAL file is from different database system: WAL file database system identifier is 1, pg_control database "
        "system identifier is 2",
        "out of memory while trying to decode a record of length 2097152");
    CAPTURE(words);
    const auto line = std::string("postgres: LOG:  ") + words;
    CHECK(read({restored("000000010000000000000006"), line}).invalid_record == words);
    // Before anything was restored it is PostgreSQL looking into pg_wal, and after the replay the server's own WAL.
    CHECK_FALSE(read({line}).invalid_record.has_value());
    CHECK_FALSE(read({restored("000000010000000000000006"), "postgres: LOG:  redo done at 0/630F790", line})
                    .invalid_record.has_value());
}

TEST_CASE("a recycled or unfinished local segment behind the archive's last one is no damage") {
    const auto* const words =
        GENERATE("unexpected pageaddr 0/4000000 in log segment 00000001000000000000000D, offset 0",
                 "unexpected pageaddr 0/4000000 in WAL segment 00000001000000000000000D, LSN 0/D000000, offset 0",
                 "invalid magic number 0000 in log segment 00000001000000000000000D, offset 0",
                 "invalid record length at 0/D000148: wanted 24, got 0");
    CHECK_FALSE(read({restored("00000001000000000000000C"), std::string("postgres: LOG:  ") + words})
                    .invalid_record.has_value());
}

TEST_CASE("the last words are the errors with their details") {
    const auto log = read({
        "postgres: LOG:  starting archive recovery",
        "postgres: FATAL:  recovery aborted because of insufficient parameter settings",
        "postgres: DETAIL:  max_connections = 10 is a lower setting than on the primary server, where its value was "
        "100.",
        "postgres: HINT:  You can restart the server after making the necessary configuration changes.",
        "postgres: LOG:  startup process (PID 4711) exited with exit code 1",
        "\tfurther words of that line",
        "postgres: LOG:  database system is shut down",
    });
    REQUIRE(log.last_words.size() == 3);
    CHECK(log.last_words[0] == "FATAL:  recovery aborted because of insufficient parameter settings");
    CHECK(log.last_words[1].rfind("DETAIL:  max_connections = 10", 0) == 0);
    CHECK(log.last_words[2].rfind("HINT:  You can restart", 0) == 0);
}

TEST_CASE("without an error the last words are the last lines") {
    const auto log = read({"postgres: could not access the server configuration file \"x\"", "sh: 1: no such thing"});
    REQUIRE(log.last_words.size() == 2);
    CHECK(log.last_words[1] == "sh: 1: no such thing");
}

TEST_CASE("refused connections while it starts are no last words") {
    const auto log = read({"postgres: FATAL:  the database system is starting up", "postgres: LOG:  the end"});
    CHECK(log.last_words.back() == "LOG:  the end");
}

TEST_CASE("an error of restore_command and its hint stay together in the log") {
    system::Forked process([] {
        ServerLog server(SegmentSize{});
        server.take("2026-11-22 07:28:41,902 ERROR: a file is missing");
        log::info("progress");
        server.take("  HINT: bring it back");
        server.take("postgres: FATAL:  could not restore file");
        server.take("2026-11-22 07:28:42,902 ERROR: the last line");
        return 0;
    });
    REQUIRE(process.wait() == 0);
    const auto errors = process.errors();
    CHECK(errors.find("ERROR: a file is missing\n  HINT: bring it back\n") != std::string::npos);
    CHECK(errors.find("HINT: bring it back") < errors.find("could not restore file"));
    CHECK(errors.find("ERROR: the last line\n") != std::string::npos);
}

TEST_CASE("what restore_command prints is not taken for the server's words") {
    const auto log = read({
        "LOG:  restored log file \"000000010000000000000002\" from archive",
        "FATAL:  not the server's",
        "2026-11-22 07:28:41,902 ERROR: postgres: LOG:  redo done at 0/3FFFFF0",
        "\tLOG:  selected new timeline ID: 3",
    });
    CHECK_FALSE(log.last_restored.has_value());
    CHECK_FALSE(log.redo_end.has_value());
    CHECK_FALSE(log.new_timeline.has_value());
}
