#include "support/catch.hpp"

#include "pgbackrest/error_meaning.hpp"
#include "system/file.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fmt/format.h>
#include <set>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::pgbackrest;
using process::Exited;

namespace {

Failure failure(int code, const std::string& errors) {
    return failure_of("restore of backup set 20261122-072841F", Exited{code}, errors);
}

}  // namespace

TEST_CASE("every error code of pgBackRest has a decision") {
    // build/error.yaml of pgBackRest 2.60; 2.33 and 2.45 have the same codes but 106.
    const std::set<int> codes{25, 26, 27, 28, 29, 30, 31,  32,  37,  38,  39,  40,  41,  42,  43,  44, 45, 46,
                              47, 48, 49, 50, 51, 52, 53,  54,  55,  56,  57,  58,  60,  61,  62,  63, 64, 67,
                              68, 69, 70, 72, 73, 74, 75,  76,  78,  79,  80,  81,  82,  83,  87,  88, 89, 93,
                              94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 122, 124, 125};
    std::set<int> decided;
    for (const ErrorMeaning& meaning : error_table()) {
        INFO(meaning.code);
        CHECK(decided.insert(meaning.code).second);
        CHECK_FALSE(meaning.name.empty());
        CHECK_FALSE(meaning.hint.empty());
        CHECK(meaning.hint.back() != '.');
        CHECK(&meaning_of_error(meaning.code) == &meaning);
        CHECK((meaning.exit_code == ExitCode::repository_unreachable || meaning.exit_code == ExitCode::lock_held) <=
              meaning.may_pass);
    }
    CHECK(decided == codes);
}

TEST_CASE("docs/pgbackrest-errors.md lists the table as it is") {
    const auto project = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path().parent_path();
    const std::string document = system::read_file(project / "docs" / "pgbackrest-errors.md");
    for (const ErrorMeaning& meaning : error_table()) {
        const std::string row = fmt::format("| {} | {} | {} | {} |", meaning.code, meaning.name,
                                            meaning.may_pass ? "yes" : "no", static_cast<int>(meaning.exit_code));
        INFO(row);
        CHECK(document.find(row) != std::string::npos);
    }
    const std::vector<std::string> lines = system::lines(document);
    const auto rows = std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
        return line.size() > 2 && line[0] == '|' && line[2] >= '0' && line[2] <= '9';
    });
    CHECK(static_cast<std::size_t>(rows) == error_table().size());
}

TEST_CASE("an unknown code is permanent") {
    CHECK_FALSE(may_pass(Exited{77}));
    CHECK(failure(77, "").code() == ExitCode::pgbackrest_failed);
    CHECK(std::string(failure(77, "").what()) ==
          "restore of backup set 20261122-072841F failed: pgbackrest exited with code 77");
}

TEST_CASE("a signal, a stall and a broken connection are worth another try, a missing program is not") {
    CHECK(may_pass(process::Signalled{9}));
    CHECK(may_pass(process::Stalled{}));
    CHECK(may_pass(Exited{49}));
    CHECK_FALSE(may_pass(process::NotStarted{"No such file or directory"}));
    CHECK_FALSE(may_pass(Exited{0}));
    CHECK_FALSE(may_pass(Exited{95}));
}

TEST_CASE("a failure quotes pgBackRest's error and gives the hint of its meaning") {
    const Failure unreachable =
        failure(49, "P00  ERROR: [049]: unable to get address for 'nas': [-2] Name or service "
                    "not known\nP00   INFO: restore command end: aborted with exception [049]\n");
    CHECK(unreachable.code() == ExitCode::repository_unreachable);
    CHECK(std::string(unreachable.what()) ==
          "restore of backup set 20261122-072841F failed: pgbackrest exited with code 49 (host-connect): unable to get "
          "address for 'nas': [-2] Name or service not known");
    CHECK(unreachable.problems().front().hint ==
          "bring the repository back; the next run continues where this one stopped");
}

TEST_CASE("pgBackRest's own hints and line breaks do not get into the message") {
    CHECK(error_text("ERROR: [072]: restore command must be run\n       on the host\n       HINT: do something\n") ==
          "restore command must be run on the host");
}

TEST_CASE("what is no log line of pgBackRest is quoted when there is nothing else") {
    CHECK(std::string(failure(127, "pgbackrest: error while loading shared libraries: libssl.so.3\n").what()) ==
          "restore of backup set 20261122-072841F failed: pgbackrest exited with code 127: pgbackrest: error while "
          "loading shared libraries: libssl.so.3");
}

TEST_CASE("that a file is in no archive says nothing while a repository could not be asked") {
    const auto absence = [](const std::string& errors) { return failure_of_absence("archive-get of 1", errors); };
    CHECK_FALSE(absence(""));
    CHECK_FALSE(absence("WARN: configuration file contains option 'x' invalid for section 'global'\n"));
    const std::string other_cluster = "WARN: repo1: [ArchiveMismatchError] unable to retrieve the archive id for "
                                      "database version '15' and system-id '7710953412442782829'\n";
    CHECK_FALSE(absence(other_cluster));
    const auto not_mounted =
        absence("P00   WARN: repo2: [FileMissingError] unable to load info file '/r/archive.info' or "
                "'/r/archive.info.copy':\n"
                "            FileMissingError: unable to open missing file '/r/archive.info' for read\n"
                "            HINT: has a stanza-create been performed?\n");
    REQUIRE(not_mounted);
    CHECK(not_mounted->code() == ExitCode::repository_unreachable);
    CHECK_FALSE(not_mounted->is_lasting());
    CHECK(std::string(not_mounted->what()) ==
          "archive-get of 1 failed: pgbackrest exited with code 1, and not every repository could be asked: repo2: "
          "[FileMissingError] unable to load info file '/r/archive.info' or '/r/archive.info.copy': FileMissingError: "
          "unable to open missing file '/r/archive.info' for read");
    CHECK(not_mounted->problems().front().hint == "bring the repository's file system back; the next run continues");
    // As the asynchronous process's words are passed on: several lines of one warning.
    const auto both = absence(other_cluster + "            repo2: [HostConnectError] timeout connecting to 'nas:22'\n");
    REQUIRE(both);
    CHECK(both->code() == ExitCode::repository_unreachable);
    const auto refused = absence("WARN: repo2: [FileOpenError] unable to open '/r': [13] Permission denied\n");
    REQUIRE(refused);
    CHECK(refused->code() == ExitCode::pgbackrest_failed);
    CHECK(refused->is_lasting());
}

TEST_CASE("an error that stands on stdout alone is found there") {
    const std::string error = "P00  ERROR: [032]: '7' is not allowed for 'buffer-size' option\n";
    const std::string warning = "P00   WARN: configuration file contains option 'x' invalid for section 'global'\n";
    CHECK(errors_of({Exited{32}, error, ""}) == error);
    CHECK(errors_of({Exited{32}, error, warning}) == error);
    CHECK(errors_of({Exited{32}, "[]", error}) == error);
    CHECK(errors_of({Exited{32}, error, "P00  ERROR: [041]: another\n"}) == "P00  ERROR: [041]: another\n");
    CHECK(errors_of({Exited{127}, "[]", "not found\n"}) == "not found\n");
}

TEST_CASE("secrets and unprintable bytes do not get into the message") {
    CHECK(error_text("ERROR: [039]: got repo1-cipher-pass=abc token=\"x y\" and \xA3\x01 password=s3 end") ==
          "got repo1-cipher-pass=<redacted> token=<redacted> and ?? password=<redacted> end");
}

TEST_CASE("a long message is cut") {
    const std::string text = error_text("ERROR: [039]: " + std::string(2000, 'x'));
    CHECK(text == std::string(600, 'x') + "...");
}

TEST_CASE("a backup set that is not found because no repository could be asked is an unreachable repository") {
    const std::string errors =
        "P00   WARN: repo1: [HostConnectError] unable to load info file '/x/backup/demo/backup.info':\n"
        "            HostConnectError: unable to get address for 'nas'\n"
        "            HINT: has a stanza-create been performed?\n"
        "P00  ERROR: [075]: no backup set found to restore\n";
    CHECK(may_pass(Exited{75}, errors));
    CHECK(failure(75, errors).code() == ExitCode::repository_unreachable);
    CHECK(
        std::string(failure(75, errors).what()) ==
        "restore of backup set 20261122-072841F failed: pgbackrest exited with code 75 (backup-set-invalid): no backup "
        "set found to restore; repo1: [HostConnectError] unable to load info file '/x/backup/demo/backup.info': "
        "HostConnectError: unable to get address for 'nas'");
}

TEST_CASE("a backup set that is simply not there is not") {
    const std::string errors = "P00  ERROR: [075]: backup set 20261122-072841F is not valid\n";
    CHECK_FALSE(may_pass(Exited{75}, errors));
    CHECK(failure(75, errors).code() == ExitCode::target_not_reachable);
    const std::string empty = "P00   WARN: repo1: [BackupSetInvalidError] no backup sets to restore\n" + errors;
    CHECK(failure(75, empty).code() == ExitCode::target_not_reachable);
}

TEST_CASE("a wrong passphrase in one repository is not reported as an unreachable repository") {
    const std::string crypto = "WARN: repo1: [CryptoError] unable to flush\n";
    const std::string connect = "WARN: repo2: [HostConnectError] timeout connecting to 'nas:8432'\n";
    const std::string error = "ERROR: [103]: unable to find a valid repository\n";
    for (const std::string& errors : {crypto + connect + error, connect + crypto + error}) {
        CHECK(failure(103, errors).code() == ExitCode::pgbackrest_failed);
        // The other one may come back all the same.
        CHECK(may_pass(Exited{103}, errors));
    }
    CHECK(failure(103, crypto + error).code() == ExitCode::pgbackrest_failed);
    CHECK_FALSE(may_pass(Exited{103}, crypto + error));
    CHECK(failure(103, error).code() == ExitCode::repository_unreachable);
    CHECK(may_pass(Exited{103}, error));
}

TEST_CASE("a repository that has nothing does not explain away one that could not be asked") {
    const std::string errors = "WARN: repo1: [FileMissingError] unable to load info file\n"
                               "WARN: repo2: [HostConnectError] timeout connecting to 'nas:8432'\n"
                               "ERROR: [075]: backup set 20261122-072841F is not valid\n";
    CHECK(failure(75, errors).code() == ExitCode::repository_unreachable);
    CHECK(may_pass(Exited{75}, errors));
}

namespace {

const std::string wal = "00000001000000000000000B";
const std::string wal_file = "15-1/0000000100000000/" + wal + "-94636f7f7e26968c5dbcebfd77b4fb632357bd68";

/// What archive-get says of a WAL file that no repository delivered: what `reasons` says of each, `[FormatError] …`.
std::string not_delivered(const std::vector<std::string>& reasons) {
    std::string text = "P00  ERROR: [042]: raised from local-2 shim protocol: unable to get " + wal + ":";
    for (std::size_t index = 0; index < reasons.size(); ++index) {
        text += fmt::format("\n            repo{}: {}.gz {}", index + 1, wal_file, reasons[index]);
    }
    return text;
}

}  // namespace

TEST_CASE("a WAL file that cannot be unpacked is damaged for good") {
    for (const std::string reason : {
             "[FormatError] unexpected eof in compressed data",
             "[FormatError] zlib threw error: [-3] data error",
             "[FormatError] bz2 error: [-5] data error magic",
             "[FormatError] lz4 error: [-13] ERROR_frameType_unknown",
             "[FormatError] zst error: [-20] Corrupted block detected",
             "[CryptoError] cipher header missing",
             "[CryptoError] cipher header invalid",
             "[CryptoError] unable to flush",
         }) {
        // 2.36 to 2.45, then later versions; asynchronous archive-get has a local process that tries again.
        for (const std::string retried : {"", "\n            [FileReadError] on retry after 0ms",
                                          "\n                [FileReadError] on retry at 12ms: unable to get"}) {
            const auto errors = not_delivered({reason}) + retried + "\n";
            INFO(errors);
            CHECK_FALSE(may_pass(Exited{42}, errors));
            CHECK(failure(42, errors).code() == ExitCode::pgbackrest_failed);
            CHECK(failure(42, errors).is_lasting());
            CHECK(failure(42, errors).problems().front().hint ==
                  "the file is damaged: bring an intact copy of it back, or restore to a point before it with type "
                  "lsn");
        }
    }
}

TEST_CASE("a WAL file that a broken connection cuts short may be whole") {
    for (const std::string reason : {
             "[FileReadError] unexpected EOF reading HTTP content",
             "[FileReadError] unexpected eof while reading line",
             "[FileReadError] timeout after 60000ms waiting for read from 's3:443'",
             "[FileReadError] unable to read '/repo/x': [5] Input/output error",
             "[ProtocolError] unexpected TLS eof",
             "[ServiceError] [503] Slow Down",
             "[HostConnectError] timeout connecting to 's3:443'",
             "[FileOpenError] unable to open file '/repo/x' for read: [116] Stale file handle",
             "[FormatError] HTTP response status 'HTTP/1.1 20' should be CR-terminated",
             "[FormatError] unable to convert base 16 string '' to uint64",
         }) {
        for (const std::string retried : {"", "\n            [FileReadError] on retry after 0ms"}) {
            const auto errors = not_delivered({reason}) + retried + "\n";
            INFO(errors);
            CHECK(may_pass(Exited{42}, errors));
            CHECK(failure(42, errors).code() == ExitCode::repository_unreachable);
        }
    }
}

TEST_CASE("a WAL file that is damaged in one repository may still come from one that could not be asked") {
    const auto errors =
        not_delivered({"[FormatError] unexpected eof in compressed data", "[HostConnectError] timeout connecting"});
    CHECK(failure(42, errors).code() == ExitCode::pgbackrest_failed);
    CHECK(may_pass(Exited{42}, errors));
    // A local process says how its retry ended only when that was different.
    const auto retried = not_delivered({"[FormatError] unexpected eof in compressed data"}) +
                         "\n[FileReadError] on retry after 0ms: unable to get " + wal + ":\nrepo1: " + wal_file +
                         ".gz [HostConnectError] timeout connecting";
    CHECK(may_pass(Exited{42}, retried));
}

TEST_CASE("a WAL file that is refused, or gone, in every repository does not come back on its own") {
    const auto refused =
        not_delivered({"[FileOpenError] unable to open file '/repo/x' for read: [13] Permission denied"});
    CHECK(failure(42, refused).code() == ExitCode::pgbackrest_failed);
    CHECK_FALSE(may_pass(Exited{42}, refused));
    const auto gone = not_delivered({"[FileMissingError] unable to open missing file '/repo/x' for read"});
    CHECK(failure(42, gone).code() == ExitCode::target_not_reachable);
    CHECK_FALSE(may_pass(Exited{42}, gone));
}

TEST_CASE("some codes are decided by their text") {
    struct Case {
        int code;
        const char* text;
        bool may_pass;
        ExitCode exit_code;
    };
    const std::string ssh = "remote-0 process on 'nas' terminated unexpectedly [255]: ";
    const Case cases[] = {
        {125, "ssh: connect to host 127.0.0.1 port 22: Connection refused", true, ExitCode::repository_unreachable},
        {125, "postgres@nas: Permission denied (publickey).", false, ExitCode::pgbackrest_failed},
        {125, "Host key verification failed.", false, ExitCode::pgbackrest_failed},
        {31, "the 'info' command must not be run as the root user", false, ExitCode::preflight_refused},
        {31, "option 'archive-async' cannot be set multiple times", false, ExitCode::usage},
        {39, "expected value '2.45' for greeting key 'version' but got '2.60'", false, ExitCode::pgbackrest_failed},
        {39, "HTTP request failed with 403 (Forbidden):", false, ExitCode::pgbackrest_failed},
        {39, "HTTP request failed with 429 (Too Many Requests):", true, ExitCode::repository_unreachable},
        {39, "unexpected TLS eof", true, ExitCode::repository_unreachable},
        {41, "unable to open file 'x' for read: [13] Permission denied", false, ExitCode::pgbackrest_failed},
        {41, "unable to open file 'x' for read: [116] Stale file handle", true, ExitCode::repository_unreachable},
        {41, "timeout opening 'x'", true, ExitCode::repository_unreachable},
        {42, "unexpected eof while reading line", true, ExitCode::repository_unreachable},
        {50, "unable to acquire lock on file 'x': Resource temporarily unavailable", true, ExitCode::lock_held},
        {50, "unable to acquire lock on file 'x': Permission denied", false, ExitCode::pgbackrest_failed},
        {64, "unable to write 'x': [28] No space left on device", false, ExitCode::system_refused},
        {101, "[503] Slow Down", true, ExitCode::repository_unreachable},
        {101, "TLS error [1:337047686] certificate verify failed", false, ExitCode::pgbackrest_failed},
        {102, "unable to execute 'ssh': [2] No such file or directory", false, ExitCode::pgbackrest_failed},
        {102, "local-1 process terminated unexpectedly on signal 9", true, ExitCode::pgbackrest_failed},
        {41, "unable to open file 'x' for read: [24] Too many open files", false, ExitCode::system_refused},
        {50, "unable to acquire lock on file 'x': No space left on device", false, ExitCode::system_refused},
        {50, "unable to acquire lock on file 'x': Read-only file system", false, ExitCode::pgbackrest_failed},
        {64, "unable to write 'x': [122] Disk quota exceeded", false, ExitCode::system_refused},
        {100, "unable to fork: [12] Cannot allocate memory", false, ExitCode::system_refused},
        {100, "unable to fork: [11] Resource temporarily unavailable", false, ExitCode::system_refused},
        {102, "unable to execute 'ssh': [11] Resource temporarily unavailable", false, ExitCode::system_refused},
        {41, "unable to open file 'x' for read: [5] Input/output error", true, ExitCode::repository_unreachable},
        {42, "unable to read 'x': [5] Input/output error", true, ExitCode::repository_unreachable},
        {52, "unable to sync file 'x' after write: [5] Input/output error", false, ExitCode::system_refused},
        {52, "unable to sync file 'x' after write: [22] Invalid argument", false, ExitCode::pgbackrest_failed},
        {64, "unable to write 'x': [116] Stale file handle", false, ExitCode::system_refused},
        {74, "unable to move 'x' to 'y': [110] Connection timed out", false, ExitCode::system_refused},
        {64, "unable to write to nas:8432: [32] Broken pipe", true, ExitCode::repository_unreachable},
        {64, "unable to finish write to nas:8432 (wrote 0/7 bytes): [104] Connection reset by peer", true,
         ExitCode::repository_unreachable},
        {64, "unable to finish write to /x/demo-restore.lock (wrote 0/7 bytes): [5] Input/output error", false,
         ExitCode::system_refused},
        {64, "timeout after 60000ms waiting for write to 'nas:8432'", true, ExitCode::repository_unreachable},
        {49, "unable to connect to 'nas:8432': [113] No route to host", true, ExitCode::repository_unreachable},
    };
    for (const Case& one : cases) {
        const std::string text = fmt::format("ERROR: [{:03}]: {}{}\n", one.code, one.code == 125 ? ssh : "", one.text);
        INFO(text);
        CHECK(may_pass(Exited{one.code}, text) == one.may_pass);
        CHECK(failure(one.code, text).code() == one.exit_code);
    }
    CHECK(failure(64, cases[15].text).problems().front().hint ==
          "make room on the file system that is named; the next run continues");
}

TEST_CASE("what the machine is short of is no refusal that lasts") {
    const auto full = failure(64, "ERROR: [064]: unable to write 'x': [28] No space left on device\n");
    CHECK_FALSE(full.is_lasting());
    CHECK(failure(64, "ERROR: [064]: unable to write 'x'\n").is_lasting());
    const auto all_open = failure(41, "ERROR: [041]: unable to open file 'x' for read: [23] Too many open files in "
                                      "system\n");
    CHECK(all_open.problems().front().hint ==
          "raise the host's limit of open files (sysctl fs.file-max); the next run continues");
}

TEST_CASE("a disk that fails is looked at, and what pgBackRest could not do there is no refusal that lasts") {
    const auto failing = failure(52, "ERROR: [052]: unable to sync file 'x' after write: [5] Input/output error\n");
    CHECK_FALSE(failing.is_lasting());
    CHECK(failing.problems().front().hint ==
          "look at the kernel's log (dmesg) and at the disk of what is named; the next run continues");
    CHECK(failure(52, "ERROR: [052]: unable to sync file 'x' after write: [22] Invalid argument\n").is_lasting());
}

TEST_CASE("a child that did not exit has its fate in the message") {
    const Failure killed = failure_of("listing", process::Signalled{9}, "");
    CHECK(std::string(killed.what()) == "listing failed: pgbackrest was killed by signal 9");
    CHECK(killed.code() == ExitCode::pgbackrest_failed);
    const Failure missing = failure_of("listing", process::NotStarted{"No such file or directory"}, "");
    CHECK(std::string(missing.what()) == "listing failed: pgbackrest could not be started: No such file or directory");
    CHECK(missing.code() == ExitCode::preflight_refused);
    CHECK(failure_of("listing", process::Stalled{}, "").code() == ExitCode::repository_unreachable);
}

TEST_CASE("a pgbackrest that the system could not start now is neither missing nor remembered as that") {
    const auto outcome = process::NotStarted{"Resource temporarily unavailable", EAGAIN};
    CHECK(may_pass(outcome));
    const auto refused = failure_of("listing", outcome, "");
    CHECK(std::string(refused.what()) ==
          "listing failed: pgbackrest could not be started: Resource temporarily unavailable");
    CHECK(refused.code() == ExitCode::system_refused);
    CHECK_FALSE(refused.is_lasting());
    CHECK(refused.problems().front().hint == system::hint_for(EAGAIN));
    CHECK(failure_of("listing", process::NotStarted{"Permission denied", EACCES}, "").is_lasting());
}

TEST_CASE("a pgbackrest that the system does not let run is not taken for a missing one") {
    const auto outcome = process::NotStarted{"Operation not permitted", EPERM};
    CHECK_FALSE(may_pass(outcome));
    const auto refused = failure_of("restore", outcome, "");
    CHECK(std::string(refused.what()) == "restore failed: pgbackrest could not be started: Operation not permitted");
    CHECK(refused.code() == ExitCode::system_refused);
    CHECK_FALSE(refused.is_lasting());
    CHECK(refused.problems().front().hint == system::hint_for(EPERM));
}
