#include "support/catch.hpp"

#include "fake.hpp"
#include "info_samples.hpp"
#include "pgbackrest/info.hpp"
#include "system/failure.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::pgbackrest;
using samples::repository;
using samples::without_backups;

namespace {

constexpr RetryPolicy twice_at_once{2, std::chrono::seconds(0)};

Failure refusal(const std::string& json) {
    const auto failure = why_not_restorable(parse_info(json, "demo"));
    return failure ? *failure : Failure(ExitCode::done, "restorable", "");
}

Failure failure_of_info(const Fake& fake, const RetryPolicy& retry = twice_at_once) {
    try {
        info(fake.pgbackrest(), std::nullopt, retry);
    } catch (const Failure& failure) {
        return failure;
    }
    return Failure(ExitCode::done, "nothing was thrown", "");
}

}  // namespace

TEST_CASE("what 2.33 says of a stanza is read") {
    const Stanza stanza = parse_info(samples::version_2_33, "demo");
    CHECK(stanza.status_code == 0);
    REQUIRE(stanza.backups.size() == 2);
    CHECK(stanza.backups[0].label == "20261122-111728F");
    CHECK_FALSE(stanza.backups[0].lsn_start);
    CHECK_FALSE(stanza.backups[0].in_error);
    CHECK(stanza.backups[0].archive_start == "000000010000000000000002");
    CHECK(stanza.backups[1].repository == 2);
    CHECK(stanza.backups[1].archive_start.empty());  // offline
    CHECK(stanza.backups[1].size == 23213814);
}

TEST_CASE("what 2.45 says of a stanza is read") {
    const Stanza stanza = parse_info(samples::version_2_45, "demo");
    CHECK(stanza.name == "demo");
    CHECK(stanza.status_message == "ok");
    REQUIRE(stanza.repositories.size() == 2);
    CHECK(stanza.repositories[1].key == 2);
    CHECK(stanza.repositories[1].code == 0);
    CHECK(stanza.repositories[1].cipher == "aes-256-cbc");
    REQUIRE(stanza.databases.size() == 2);
    CHECK(stanza.databases[0].system_identifier == "7710953412442782829");
    CHECK(stanza.databases[0].version == "15");
    REQUIRE(stanza.archives.size() == 2);
    CHECK(stanza.archives[1].id == "15-1");
    CHECK(stanza.archives[1].repository == 2);
    CHECK(stanza.archives[1].database_id == 1);
    REQUIRE(stanza.backups.size() == 2);
    CHECK(stanza.backups[0].in_error);
    CHECK(stanza.backups[1].label == "20261122-111728F_20261122-111736I");
    CHECK(stanza.backups[1].type == "incr");
    CHECK(stanza.backups[1].started == 1795346256);
    CHECK(stanza.backups[1].stopped == 1795346258);
    REQUIRE(stanza.backups[1].lsn_stop);
    CHECK(stanza.backups[1].lsn_stop->text() == "0/7000100");
    CHECK_FALSE(stanza.backups[1].in_error);
}

TEST_CASE("what 2.60 says of a stanza is read") {
    const Stanza stanza = parse_info(samples::version_2_60, "demo");
    REQUIRE(stanza.databases.size() == 2);
    CHECK(stanza.databases[1].id == 2);
    CHECK(stanza.databases[1].system_identifier == "18446744073709551615");
    REQUIRE(stanza.archives.size() == 2);
    CHECK(stanza.archives[0].id == "18-2");
    REQUIRE(stanza.backups.size() == 1);
    CHECK(stanza.backups[0].database_id == 2);
    CHECK(stanza.backups[0].lsn_start->text() == "10/2000028");
}

TEST_CASE("the size of a segment follows from a backup's start") {
    Backup backup{};
    backup.archive_start = "00000001000000000000000E";
    CHECK_FALSE(segment_size_of(backup));
    take_positions("[backup]\nbackup-lsn-start=\"0/E1F620\"\nbackup-lsn-stop=\"0/E20028\"\nbackup-prior=\"x\"\n",
                   backup);
    REQUIRE(backup.lsn_stop);
    CHECK(backup.lsn_stop->text() == "0/E20028");
    REQUIRE(segment_size_of(backup));
    CHECK(segment_size_of(backup)->bytes == 1ULL << 20);
    backup.archive_start = "000000010000000000000000";  // 16 MiB and more
    CHECK_FALSE(segment_size_of(backup));
    REQUIRE(possible_segment_sizes(backup).size() == 7);
    CHECK(possible_segment_sizes(backup).front().bytes == 16ULL << 20);
    take_positions("[backup]\nbackup-type=\"full\"\n", backup);
    CHECK_FALSE(backup.lsn_start);
}

TEST_CASE("a backup that begins at a multiple of 4 GiB fits every segment size, until its end tells") {
    Backup backup{};
    backup.archive_start = backup.archive_stop = "000000010000000500000000";
    backup.lsn_start = postgres::Lsn::parse("5/28");
    CHECK(possible_segment_sizes(backup).size() == 11);
    backup.lsn_stop = postgres::Lsn::parse("5/100");
    CHECK(possible_segment_sizes(backup).size() == 11);
    CHECK_FALSE(segment_size_of(backup));
    const auto with_end = [&](const char* lsn, const char* name) {
        backup.lsn_stop = postgres::Lsn::parse(lsn);
        backup.archive_stop = name;
        const auto size = segment_size_of(backup);
        return size ? size->bytes >> 20 : 0;
    };
    CHECK(with_end("5/2000100", "000000010000000500000002") == 16);
    CHECK(with_end("5/C0000100", "000000010000000500000003") == 1024);
    // At a segment's end, as PostgreSQL 13 to 15 name it, and later versions.
    CHECK(with_end("5/3000000", "000000010000000500000002") == 16);
    CHECK(with_end("5/3000000", "000000010000000500000003") == 16);
    CHECK(with_end("5/2000100", "0000000100000005000000F0") == 0);  // that fits nothing, and says nothing
    CHECK(possible_segment_sizes(backup).size() == 11);
}

TEST_CASE("where the newest backup leaves the segment size open, the one before it tells") {
    std::string json = samples::version_2_45;
    const auto replace = [&](const std::string& old, const std::string& with) {
        REQUIRE(json.find(old) != std::string::npos);
        json.replace(json.find(old), old.size(), with);
    };
    replace(R"("start":"000000010000000000000007","stop":"000000010000000000000007")",
            R"("start":"000000010000000100000000","stop":"000000010000000100000000")");
    replace(R"("start":"0/7000028","stop":"0/7000100")", R"("start":"1/28","stop":"1/100")");
    replace(R"("start":"0/2000028","stop":"0/2000100")", R"("start":"0/8000028","stop":"0/8000100")");  // 64 MiB
    Fake fake;
    fake.write("info", json);
    CHECK(info(fake.pgbackrest(), std::nullopt, twice_at_once).segment_size.bytes == 64ULL << 20);
    CHECK(fake.calls().size() == 1);
}

TEST_CASE("a stanza that is not in the answer is missing") {
    for (const char* json : {"[]", samples::version_2_45.c_str()}) {
        const Stanza stanza = parse_info(json, "other");
        CHECK(stanza.status_code == 1);
        CHECK(stanza.backups.empty());
    }
}

TEST_CASE("what is not the JSON of info is an unreachable repository") {
    for (const char* text : {"", "stanza: demo", "[{", "[{\"name\":\"demo\"}]", "[1]"}) {
        INFO(text);
        try {
            parse_info(text, "demo");
            FAIL("nothing was thrown");
        } catch (const Failure& failure) {
            CHECK(failure.code() == ExitCode::repository_unreachable);
            CHECK(std::string(failure.what()).substr(0, 38) == "pgbackrest info did not print its JSON");
        }
    }
}

TEST_CASE("a stanza without backups is refused with its reason") {
    CHECK(std::string(refusal(without_backups(repository(1, 1, "missing stanza path"), 1)).what()) ==
          "stanza demo is not in the repository");
    CHECK(std::string(refusal(without_backups(repository(1, 2, "no valid backups"), 2)).what()) ==
          "stanza demo has no valid backup");
    CHECK(std::string(refusal(without_backups(repository(1, 3, "missing stanza data"), 3)).what()) ==
          "stanza demo has no backup.info in the repository");
    for (const int code : {1, 2, 3}) {
        CHECK(refusal(without_backups(repository(1, code, "x"), code)).code() == ExitCode::target_not_reachable);
    }
}

TEST_CASE("an unreachable repository, a wrong passphrase and a missing permission are told apart") {
    const Failure unreachable = refusal(without_backups(
        repository(1, 99, "[HostConnectError] unable to get address for 'nas': [-2] Name or service not known"), 99));
    CHECK(unreachable.code() == ExitCode::repository_unreachable);
    CHECK(std::string(unreachable.what()) ==
          "stanza demo in repo1 cannot be read: [HostConnectError] unable to get address for 'nas': [-2] Name or "
          "service not known");

    const Failure denied = refusal(without_backups(
        repository(1, 99, "[PathOpenError] unable to list file info for path '/repo/backup': [13] Permission denied"),
        99));
    CHECK(denied.code() == ExitCode::pgbackrest_failed);
    CHECK(denied.problems().front().hint ==
          "let the user that runs Patroni read what is named, in the repository all of it");

    // The two faces of a wrong passphrase, the second with the garbage that it was decrypted to.
    for (const char* message : {"[CryptoError] unable to flush\\nHINT: is or was the repo encrypted?",
                                "[FormatError] unable to load info file 'x':\\nFormatError: key/value found outside of "
                                "section at line 1: \xA3\x01\xFF\\\"\\u0001"}) {
        const Failure cipher = refusal(without_backups(repository(2, 99, message, "aes-256-cbc"), 99));
        CHECK(cipher.code() == ExitCode::pgbackrest_failed);
        CHECK(std::string(cipher.what()) == "stanza demo in repo2 cannot be decrypted");
        CHECK(cipher.problems().front().hint ==
              "correct repo2-cipher-type and repo2-cipher-pass in pgBackRest's configuration");
    }
    // Encrypted, and the configuration knows nothing of it.
    CHECK(std::string(refusal(without_backups(repository(1, 99,
                                                         "[FormatError] unable to load info file 'x':\\nFormatError: "
                                                         "key/value found outside of section at line 1: Salted__\xA3"),
                                              99))
                          .what()) == "stanza demo in repo1 cannot be decrypted");
    // A damaged file of a repository that is not encrypted.
    CHECK(std::string(
              refusal(without_backups(repository(1, 99, "[FormatError] unable to load info file 'x'"), 99)).what()) ==
          "stanza demo in repo1 cannot be read: [FormatError] unable to load info file 'x'");
}

TEST_CASE("of several broken repositories the one that needs a person is named") {
    const std::string away = repository(1, 99, "[HostConnectError] timeout connecting to 'nas'");
    const std::string denied = repository(2, 99, "[PathOpenError] unable to list 'x': [13] Permission denied");
    CHECK(refusal(without_backups(away + "," + denied, 99)).code() == ExitCode::pgbackrest_failed);
    CHECK(refusal(without_backups(repository(2, 2, "no valid backups") + "," + away, 4)).code() ==
          ExitCode::repository_unreachable);
}

TEST_CASE("a broken repository does no harm where another holds backups") {
    std::string json = samples::version_2_45;
    const std::string whole = R"json({"cipher":"aes-256-cbc","key":2,"status":{"code":0,"message":"ok"}})json";
    json.replace(json.find(whole), whole.size(), repository(2, 99, "[HostConnectError] timeout connecting to 'nas'"));
    Fake fake;
    fake.write("info", json);
    CHECK(info(fake.pgbackrest(), std::nullopt, twice_at_once).backups.size() == 2);
    CHECK(fake.calls() == std::vector<std::string>{"--stanza=demo --output=json --no-log-timestamp "
                                                   "--log-level-console=off --log-level-stderr=warn info"});
}

TEST_CASE("info asks one repository where one is wanted") {
    Fake fake;
    fake.write("info", samples::version_2_45);
    info(fake.pgbackrest(), 2);
    CHECK(fake.calls().front() == "--stanza=demo --output=json --repo=2 --no-log-timestamp --log-level-console=off "
                                  "--log-level-stderr=warn info");
}

TEST_CASE("info is tried again for what may pass") {
    Fake fake;
    fake.write("info", samples::version_2_45);
    const Variable times("FAKE_TIMES", "2");
    SECTION("an error code") {
        const Variable fail("FAKE_FAIL", "49");
        CHECK(info(fake.pgbackrest(), std::nullopt, twice_at_once).backups.size() == 2);
    }
    SECTION("a signal") {
        const Variable signal("FAKE_SIGNAL", "KILL");
        CHECK(info(fake.pgbackrest(), std::nullopt, twice_at_once).backups.size() == 2);
    }
    CHECK(fake.calls().size() == 3);
}

TEST_CASE("info is given up when the tries are used up, and at once for what stays") {
    Fake fake;
    const Variable errors("FAKE_ERRORS", "ERROR: [049]: unable to connect");
    SECTION("it may pass") {
        const Variable fail("FAKE_FAIL", "49");
        const Failure failure = failure_of_info(fake);
        CHECK(failure.code() == ExitCode::repository_unreachable);
        CHECK(std::string(failure.what()) ==
              "info of stanza demo failed: pgbackrest exited with code 49 (host-connect): unable to connect");
        CHECK(fake.calls().size() == 3);
    }
    SECTION("it stays") {
        const Variable fail("FAKE_FAIL", "37");
        CHECK(failure_of_info(fake).code() == ExitCode::usage);
        CHECK(fake.calls().size() == 1);
    }
    SECTION("a repository is away, which info reports with exit code 0") {
        fake.write("info", without_backups(repository(1, 99, "[HostConnectError] timeout"), 99));
        CHECK(failure_of_info(fake).code() == ExitCode::repository_unreachable);
        CHECK(fake.calls().size() == 3);
    }
    SECTION("there is no backup") {
        fake.write("info", without_backups(repository(1, 2, "no valid backups"), 2));
        CHECK(failure_of_info(fake).code() == ExitCode::target_not_reachable);
        CHECK(fake.calls().size() == 1);
    }
}

TEST_CASE("a number that is no whole one is told as what is no JSON of pgbackrest info") {
    const std::string text = R"json([{"name":"demo","status":{"code":1.76e58,"message":"ok"}}])json";
    CHECK_THROWS_AS(parse_info(text, "demo"), patroni_pgbackrest::Failure);
}
