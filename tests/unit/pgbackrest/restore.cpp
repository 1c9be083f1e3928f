#include "support/catch.hpp"

#include "fake.hpp"
#include "pgbackrest/restore.hpp"
#include "system/failure.hpp"
#include "system/interruption.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::pgbackrest;
namespace fs = std::filesystem;

namespace {

RestoreJob job_of(const Fake& fake) {
    RestoreJob job;
    job.pgbackrest = fake.pgbackrest();
    job.data_directory = fake.directory.path() / "data.restoring";
    job.backup_set = "20261122-111728F";
    job.lock_path = fake.directory.path() / "lock";
    job.spool_path = fake.directory.path() / "spool";
    job.retry = {2, std::chrono::seconds(0)};
    return job;
}

Failure failure_of_restore(const RestoreJob& job) {
    try {
        restore(job);
    } catch (const Failure& failure) {
        return failure;
    }
    return Failure(ExitCode::done, "nothing was thrown", "");
}

unsigned mode_of(const fs::path& path) {
    struct stat status {};
    return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0U;
}

/// `delta`: how it begins; `rest`: what the request gives, and what that leaves to be reset.
std::string expected_call(const RestoreJob& job, const std::string& delta,
                          const std::string& rest = " --reset-db-include --no-link-all --reset-link-map "
                                                    "--reset-process-max --reset-tablespace-map "
                                                    "--reset-tablespace-map-all") {
    return "--stanza=demo --set=20261122-111728F --pg1-path=" + job.data_directory.string() +
           " --reset-pg1-host --target-timeline=current --lock-path=" + job.lock_path.string() +
           " --log-level-console=info --log-level-stderr=off --no-log-timestamp " + delta +
           " --archive-mode=preserve --reset-recovery-option" + rest + " restore";
}

}  // namespace

TEST_CASE("a restore makes its directories and passes on what was asked for") {
    Fake fake;
    RestoreJob job = job_of(fake);
    job.options = {{"process-max", "2"}, {"db-include", "a"}, {"db-include", "b"}, {"link-all"}, {"delta"}};
    restore(job);
    CHECK(fake.calls() == std::vector<std::string>{expected_call(
                              job, "--no-delta",
                              " --reset-link-map --reset-tablespace-map --reset-tablespace-map-all --process-max=2 "
                              "--db-include=a --db-include=b --link-all")});
    CHECK(mode_of(job.data_directory) == 0700);
    CHECK(mode_of(job.lock_path) == 0700);
    CHECK(mode_of(job.spool_path) == 0700);
}

TEST_CASE("who wants to know how far the copy is gets pgBackRest's line of each file, which the log does not") {
    Fake fake;
    RestoreJob job = job_of(fake);
    std::vector<double> told;
    job.on_progress = [&](double percent) { told.push_back(percent); };
    const Variable output("FAKE_OUTPUT", "P00   INFO: restore backup set 20261122-111728F\n"
                                         "P01 DETAIL: restore file /data/base/1/2 (8KB, 45.67%) checksum 5b\n"
                                         "P02 DETAIL: restore file /data/base/1/3 (8KB, 100.00%) checksum 5b");
    const Variable outputs("FAKE_OUTPUTS", "");
    restore(job);
    CHECK(told == std::vector<double>{45.67, 100.0});
    CHECK(fake.calls().back().find(" --log-level-console=detail ") != std::string::npos);
}

TEST_CASE("an option that only the program knows of ends the restore before anything is copied") {
    Fake fake;
    const RestoreJob job = job_of(fake);
    const Variable output("FAKE_OUTPUT", "P00   INFO: restore command begin 2.45: --db-exclude=other --exec-id=1-2");
    const Variable outputs("FAKE_OUTPUTS", "");
    const auto failure = failure_of_restore(job);
    CHECK(failure.code() == ExitCode::usage);
    CHECK(std::string(failure.what()).find("restores with db-exclude, which comes from nowhere") != std::string::npos);
    CHECK_FALSE(failure.is_lasting());  // nobody sees when it has changed
    CHECK(fake.calls().size() == 1);
}

TEST_CASE("what an earlier try left in the restore's own spool is gone before the copy") {
    Fake fake;
    const RestoreJob job = job_of(fake);
    fs::create_directories(job.spool_path / "archive/demo/in/000000010000000000000005");
    restore(job);
    CHECK(fs::is_empty(job.spool_path));
}

TEST_CASE("directories of links are made before the copy, which has no right to the one around them") {
    Fake fake;
    const auto linked = fake.directory.path() / "elsewhere" / "wal";
    RestoreJob job = job_of(fake);
    job.outside = {linked, fake.directory.path() / "conf" / "postgresql.conf"};
    job.linked_directories = {linked};
    unsigned noted = 0;
    job.when_places_are_made = [&] {
        CHECK(fs::is_directory(linked));
        CHECK(fake.calls().empty());
        ++noted;
    };
    restore(job);
    CHECK(noted == 1);
    CHECK(mode_of(linked) == 0700);
    CHECK(mode_of(linked.parent_path()) == 0700);
    CHECK(mode_of(fake.directory.path() / "conf") == 0700);
    CHECK_FALSE(fs::exists(job.outside.back()));
    CHECK(fake.calls().back().find(" --no-delta") != std::string::npos);
}

TEST_CASE("the spool path comes through the environment, where 2.33 does not mind it") {
    Fake fake;
    const RestoreJob job = job_of(fake);
    const Variable force("PGBACKREST_FORCE", "y");
    const Variable type("PGBACKREST_TYPE", "none");
    const Variable run("FAKE_RUN", "env | grep ^PGBACKREST_ | sort >$FAKE_OUTPUTS/environment");
    restore(job);
    const std::string environment = system::read_file(fake.directory.path() / "environment");
    CHECK(environment.find("PGBACKREST_SPOOL_PATH=" + job.spool_path.string() + "\n") != std::string::npos);
    CHECK(environment.find("PGBACKREST_FORCE") == std::string::npos);
    CHECK(environment.find("PGBACKREST_TYPE") == std::string::npos);
}

TEST_CASE("pgBackRest flushes what it writes, unless the job says that it does not") {
    Fake fake;
    RestoreJob job = job_of(fake);
    job.flushes = GENERATE(true, false);
    // No fsync of it succeeds.
    const Variable run("FAKE_RUN", "sync /dev/null 2>/dev/null || touch $FAKE_OUTPUTS/flushed");
    restore(job);
    CHECK(fs::exists(fake.directory.path() / "flushed") == job.flushes);
}

TEST_CASE("a directory that holds an interrupted restore is continued with --delta") {
    Fake fake;
    const RestoreJob job = job_of(fake);
    fs::create_directories(job.data_directory / "base");
    const std::string name = GENERATE("backup.manifest", "PG_VERSION");
    fake.write("data.restoring/" + name, "");
    restore(job);
    CHECK(fake.calls().front() == expected_call(job, "--delta"));
    CHECK(fs::exists(job.data_directory / "base"));
}

TEST_CASE("a leftover from before the manifest was written is emptied, and links in it are not followed") {
    Fake fake;
    const RestoreJob job = job_of(fake);
    fs::create_directories(job.data_directory / "base" / "1");
    fs::create_directories(fake.directory.path() / "elsewhere");
    fake.write("elsewhere/file", "");
    fake.write("data.restoring/.hidden", "");
    fs::create_directory_symlink(fake.directory.path() / "elsewhere", job.data_directory / "pg_wal");
    restore(job);
    CHECK(fake.calls().front() == expected_call(job, "--no-delta"));
    CHECK(fs::is_empty(job.data_directory));
    CHECK(fs::exists(fake.directory.path() / "elsewhere" / "file"));
}

TEST_CASE("nothing is removed where nobody can see whether it is an interrupted restore") {
    Fake fake;
    const RestoreJob job = job_of(fake);
    fs::create_directories(job.data_directory / "base");
    fs::create_symlink("PG_VERSION", job.data_directory / "PG_VERSION");
    CHECK_THROWS_AS(restore(job), fs::filesystem_error);
    CHECK(fs::exists(job.data_directory / "base"));
    CHECK(fake.calls().empty());
}

TEST_CASE("a restore that breaks off is tried again, from where it stopped") {
    Fake fake;
    const RestoreJob job = job_of(fake);
    const Variable run("FAKE_RUN", "touch $FAKE_PG1_PATH/backup.manifest");
    const Variable times("FAKE_TIMES", "2");
    SECTION("with an error that may pass") {
        const Variable fail("FAKE_FAIL", "49");
        restore(job);
    }
    SECTION("by a signal") {
        const Variable signal("FAKE_SIGNAL", "SEGV");
        restore(job);
    }
    const std::vector<std::string> calls = fake.calls();
    REQUIRE(calls.size() == 3);
    CHECK(calls[0] == expected_call(job, "--no-delta"));
    CHECK(calls[1] == expected_call(job, "--delta"));
    CHECK(calls[2] == expected_call(job, "--delta"));
}

TEST_CASE("a restore is given up when the tries are used up, and at once for what stays") {
    Fake fake;
    const RestoreJob job = job_of(fake);
    const Variable on("FAKE_ERRORS_ON", "stdout");
    SECTION("it may pass") {
        const Variable errors("FAKE_ERRORS", "P00   INFO: begin\nP00  ERROR: [049]: timeout connecting to 'nas'\n"
                                             "P00   INFO: restore command end: aborted with exception [049]");
        const Variable fail("FAKE_FAIL", "49");
        const Failure failure = failure_of_restore(job);
        CHECK(failure.code() == ExitCode::repository_unreachable);
        CHECK(std::string(failure.what()) == "restore of backup set 20261122-111728F failed: pgbackrest exited with "
                                             "code 49 (host-connect): timeout connecting to 'nas'");
        CHECK(fake.calls().size() == 3);
    }
    SECTION("it stays") {
        const Variable errors("FAKE_ERRORS", "P00  ERROR: [026]: error restoring '/x/base/1/1': actual checksum 'a' "
                                             "does not match expected checksum 'b'");
        const Variable fail("FAKE_FAIL", "26");
        const Failure failure = failure_of_restore(job);
        CHECK(failure.code() == ExitCode::pgbackrest_failed);
        CHECK(fake.calls().size() == 1);
    }
    SECTION("a file is missing, and all of the repository with it: its file system is not mounted any more") {
        const Variable errors("FAKE_ERRORS", "P00  ERROR: [055]: unable to open missing file '/x' for read");
        const Variable fail("FAKE_FAIL", "55");
        const Failure failure = failure_of_restore(job);
        CHECK(failure.code() == ExitCode::repository_unreachable);
        CHECK_FALSE(failure.is_lasting());
        CHECK(fake.calls().size() == 9);  // of three tries each looks for both copies of backup.info
        const Variable only("FAKE_ONLY", "* restore");
        CHECK(failure_of_restore(job).code() == ExitCode::target_not_reachable);
        CHECK(failure_of_restore(job).is_lasting());
    }
    SECTION("the repository was away, which pgBackRest sums up as no backup set") {
        const Variable errors("FAKE_ERRORS", "P00   WARN: repo1: [HostConnectError] unable to load info file:\n"
                                             "            HostConnectError: timeout connecting to 'nas'\n"
                                             "P00  ERROR: [075]: no backup set found to restore");
        const Variable fail("FAKE_FAIL", "75");
        CHECK(failure_of_restore(job).code() == ExitCode::repository_unreachable);
        CHECK(fake.calls().size() == 3);
    }
}

// An interruption lasts for the rest of a process, so that this one gets a process of its own below.
TEST_CASE("interrupted in a restore that hangs", "[.interrupted]") {
    Fake fake;
    const RestoreJob job = job_of(fake);
    const Variable hang("FAKE_HANG", "1");
    const Variable run("FAKE_RUN", "kill -s TERM " + std::to_string(getpid()));
    interruption::install();
    const Failure failure = failure_of_restore(job);
    CHECK(failure.code() == ExitCode::terminated);
    CHECK(fake.calls().size() == 1);
}

TEST_CASE("a restore that hangs ends when the program is told to, and is not tried again") {
    const process::Captured captured =
        process::capture({"/proc/self/exe", {"[interrupted]"}}, std::chrono::seconds(30));
    INFO(captured.output << captured.errors);
    CHECK(process::succeeded(captured.outcome));
    CHECK(captured.output.find("All tests passed (2 assertions in 1 test case)") != std::string::npos);
}

TEST_CASE("a directory that cannot be made is the operating system's word, not pgbackrest's") {
    Fake fake;
    RestoreJob job = job_of(fake);
    fake.write("file", "");
    job.lock_path = fake.directory.path() / "file" / "lock";
    const auto failure = failure_of_restore(job);
    CHECK(failure.code() == ExitCode::system_refused);
    CHECK(failure.problems().front().message ==
          "cannot make directory " + job.lock_path.string() + ": Not a directory");
}
