#include "fake_repository.hpp"
#include "support/catch.hpp"
#include "support/control_file.hpp"

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>

namespace {

using nlohmann::json;

const std::string fake = SUPPORT "/fake-pgbackrest";
const std::string planned = "000000010000000000000002";
const std::string unplanned = "000000010000000000000009";

/// A data directory in which a recovery is under way, as PostgreSQL sees it: the working directory of restore_command.
struct Recovery {
    Directory directory;
    json ticket{{"version", 1},
                {"recovery", "patroni"},
                {"scope", "demo"},
                {"target", "latest"},
                {"latest", true},
                {"explicit_timeline", false},
                {"newest_timeline", true},
                {"timeline", 1},
                {"wal", json::array({json::array({planned, "000000010000000000000004"})})},
                {"archive_get", {fake, "--stanza=demo", "archive-get"}},
                {"retries", 2},
                {"retry_wait", 0},
                {"base_configuration", ""}};

    void write_ticket() const { directory.write("patroni_pgbackrest.ticket", ticket.dump()); }

    /// The exit code of one call for `wanted`.
    int ask(const std::string& wanted, const Variables& environment = {}, const Words& options = {}) {
        Program::How how;
        how.directory = directory.path();
        how.environment = {{"FAKE_CALLS", directory.path("calls").string()},
                           {"FAKE_COUNTER", directory.path("counter").string()}};
        how.environment.insert(environment.begin(), environment.end());
        Words words{"archive-get"};
        words.insert(words.end(), options.begin(), options.end());
        words.insert(words.end(), {wanted, "pg_wal/RECOVERYXLOG"});
        std::filesystem::remove(directory.path("calls"));
        Program program(words, how);
        const int code = program.wait();
        errors = program.errors();
        return code;
    }
    /// The same without a ticket, through the fake.
    int ask_plainly(const Variables& environment = {}) {
        return ask(planned, environment, {"--stanza=demo", "--pgbackrest=" + fake});
    }
    std::size_t calls() const {
        const auto text = directory.read("calls");
        return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    }

    std::string errors{};
};

const std::string third = "000000010000000000000003", last = "000000010000000000000004";

/// One that has the first planned segment, and a spool for four of 1 MB.
struct WithSpool : Recovery {
    static inline const std::string incoming = "data.restoring.d/spool/archive/demo/in/";
    static inline const std::string content = std::string(1048576, 'x');
    /// In the shell; the file follows.
    static inline const std::string write_to = "head -c 1048576 /dev/zero | tr '\\0' x >";

    WithSpool() {
        const auto spool = directory.path("data.restoring.d/spool").string();
        ticket["archive_get"] = {fake,
                                 "--stanza=demo",
                                 "--archive-async",
                                 "--archive-get-queue-max=4194304",
                                 "--spool-path=" + spool,
                                 "archive-get"};
        ticket["segment_size"] = content.size();
        write_ticket();
        std::filesystem::create_directories(directory.path("pg_wal"));
        CHECK(ask(planned) == 0);
        std::filesystem::create_directories(directory.path(incoming));
    }
    void fill(const std::string& name) const { directory.write(incoming + name, content); }
};

}  // namespace

TEST_CASE("without a ticket archive-get is an ordinary restore_command") {
    Recovery recovery;
    CHECK(recovery.ask_plainly() == 0);
    CHECK(recovery.directory.read("calls") ==
          "--stanza=demo --log-level-stderr=warn archive-get " + planned + " pg_wal/RECOVERYXLOG\n");
    CHECK(recovery.ask_plainly({{"FAKE_FAIL", "1"}}) == 1);
    CHECK(recovery.errors.empty());
    CHECK(recovery.ask(planned, {},
                       {"--pgbackrest-config=/etc/other.conf", "--stanza=other", "--pgbackrest=" + fake}) == 0);
    CHECK(recovery.directory.read("calls") ==
          "--config=/etc/other.conf --stanza=other --log-level-stderr=warn archive-get " + planned +
              " pg_wal/RECOVERYXLOG\n");
}

TEST_CASE("without a ticket an error aborts a recovery, and a standby may try again") {
    for (const std::string code : {"2", "49", "82", "103", "125"}) {
        CAPTURE(code);
        Recovery recovery;
        const Variables failing{{"FAKE_FAIL", code}, {"FAKE_ERRORS", "ERROR: [0" + code + "]: away, pass=mellon"}};
        CHECK(recovery.ask_plainly(failing) == 200);
        CHECK(contains(recovery.errors,
                       " ERROR: archive-get of " + planned + " failed: pgbackrest exited with code " + code));
        CHECK_FALSE(contains(recovery.errors, "mellon"));
        recovery.directory.write("standby.signal", "");
        CHECK(std::to_string(recovery.ask_plainly(failing)) == code);
        CHECK(recovery.calls() == 1);
    }
}

TEST_CASE("without a ticket a pgbackrest that was killed, or is not there, aborts every recovery") {
    Recovery recovery;
    CHECK(recovery.ask_plainly({{"FAKE_SIGNAL", "KILL"}}) == 200);
    CHECK(recovery.ask(planned, {}, {"--stanza=demo", "--pgbackrest=/nonexistent/pgbackrest"}) == 200);
    recovery.directory.write("standby.signal", "");
    CHECK(recovery.ask_plainly({{"FAKE_SIGNAL", "KILL"}}) == 200);
}

TEST_CASE("a command line that is wrong never looks like the end of the archive") {
    for (const Words& words : {Words{"archive-get"}, Words{"archive-get", planned},
                               Words{"archive-get", "--stansa=demo", planned, "pg_wal/RECOVERYXLOG"}}) {
        Program program(words);
        CHECK(program.wait() == 200);
        CHECK_FALSE(program.errors().empty());
    }
}

TEST_CASE("a question for the program that serves the WAL aborts the recovery where nobody answers it") {
    Recovery recovery;
    recovery.write_ticket();
    const auto socket = recovery.directory.path("nobody").string();
    CHECK(recovery.ask(planned, {}, {"--socket=" + socket}) == 200);
    CHECK(contains(recovery.errors, " ERROR: " + planned +
                                        " is not delivered: the program that restores cannot be asked through " +
                                        socket + ": No such file or directory"));
    CHECK(contains(recovery.errors, "HINT: it has ended, and this server ends with it: run it again"));
    CHECK(recovery.calls() == 0);
}

TEST_CASE("with a ticket its own command asks, and a segment that is there is delivered") {
    Recovery recovery;
    recovery.write_ticket();
    CHECK(recovery.ask(planned) == 0);
    CHECK(recovery.directory.read("calls") == "--stanza=demo archive-get " + planned + " pg_wal/RECOVERYXLOG\n");
    CHECK(recovery.ask(unplanned) == 0);
    CHECK(recovery.errors.empty());
}

TEST_CASE("with a ticket pgbackrest is told by variables what the restore was planned with") {
    Recovery recovery;
    const Variables of_postgresql{
        {"PGBACKREST_CONFIG", "/etc/other.conf"},
        {"PGBACKREST_REPO", "2"},
        {"PGBACKREST_REPO1_CIPHER_PASS", "mellon"},
        {"PGBACKREST_REPO1_PATH", "/other"},
        {"FAKE_RUN", "env | grep -E '^PGBACKREST_(CONFIG|REPO)' | sort >" + recovery.directory.path("told").string()}};
    recovery.write_ticket();  // of an older program
    CHECK(recovery.ask(planned, of_postgresql) == 0);
    CHECK(recovery.directory.read("told") == "PGBACKREST_CONFIG=/etc/other.conf\nPGBACKREST_REPO1_CIPHER_PASS=mellon\n"
                                             "PGBACKREST_REPO1_PATH=/other\n");
    recovery.ticket["variables"] = json::object({{"PGBACKREST_CONFIG", "/etc/planned.conf"}});
    recovery.write_ticket();
    CHECK(recovery.ask(planned, of_postgresql) == 0);
    CHECK(recovery.directory.read("told") ==
          "PGBACKREST_CONFIG=/etc/planned.conf\nPGBACKREST_REPO1_CIPHER_PASS=mellon\n");
}

TEST_CASE("with a ticket the archive ends only where the plan does") {
    Recovery recovery;
    recovery.write_ticket();
    const Variables absent{{"FAKE_FAIL", "1"}};
    CHECK(recovery.ask(unplanned, absent) == 1);
    CHECK(recovery.calls() == 2);  // the asynchronous one does not tell why
    CHECK(recovery.ask("00000002.history", absent) == 1);
    CHECK(recovery.ask(planned, absent) == 200);
    CHECK(recovery.calls() == 6);
    CHECK(contains(recovery.errors,
                   error(planned + " was in the archive when the restore was planned, and is missing now",
                         "bring it back, or restore to a point before it")));
}

TEST_CASE("with a ticket every error is tried again, then aborts the recovery") {
    for (const std::string code : {"25", "39", "42", "49", "50", "95", "103", "104", "125", "255"}) {
        CAPTURE(code);
        Recovery recovery;
        recovery.write_ticket();
        CHECK(recovery.ask(unplanned, {{"FAKE_FAIL", code}}) == 200);
        CHECK(recovery.calls() == 3);
        CHECK(contains(recovery.errors,
                       " WARNING: archive-get of " + unplanned + " failed: pgbackrest exited with code " + code));
        CHECK(contains(recovery.errors, ", trying again in 0 s (2 of 2)\n"));
        CHECK(contains(recovery.errors,
                       " ERROR: archive-get of " + unplanned + " failed: pgbackrest exited with code " + code));
    }
}

TEST_CASE("with a ticket a segment that no asynchronous process delivers is asked for once more without") {
    Recovery recovery;
    recovery.ticket["archive_get"] = {fake,
                                      "--stanza=demo",
                                      "--archive-timeout=10",
                                      "--archive-async",
                                      "--archive-get-queue-max=16777216",
                                      "--spool-path=/spool",
                                      "archive-get"};
    recovery.write_ticket();
    const std::string asynchronous = "--stanza=demo --archive-timeout=10 --archive-async "
                                     "--archive-get-queue-max=16777216 --spool-path=/spool archive-get " +
                                     planned + " pg_wal/RECOVERYXLOG\n";
    const std::string synchronous = "--no-archive-async --stanza=demo --archive-timeout=10 "
                                    "--archive-get-queue-max=16777216 archive-get " +
                                    planned + " pg_wal/RECOVERYXLOG\n";
    CHECK(recovery.ask(planned, {{"FAKE_FAIL", "82"}, {"FAKE_TIMES", "1"}}) == 0);
    CHECK(recovery.directory.read("calls") == asynchronous + synchronous);
    CHECK(contains(recovery.errors, " INFO: " + planned +
                                        " was not delivered asynchronously (pgbackrest exited with code 82 "
                                        "(archive-timeout)): fetched without that"));
    CHECK_FALSE(contains(recovery.errors, "WARNING"));
    // What the second call says counts: here the ordinary tries, each with both.
    CHECK(recovery.ask(planned, {{"FAKE_FAIL", "82"}}) == 200);
    CHECK(recovery.directory.read("calls") ==
          asynchronous + synchronous + asynchronous + synchronous + asynchronous + synchronous);
    // As well when the spool or its locks cannot be written to, whatever pgBackRest says of that.
    for (const Variables& misbehaving : {Variables{{"FAKE_FAIL", "82"}}, Variables{{"FAKE_FAIL", "47"}},
                                         Variables{{"FAKE_FAIL", "50"}}, Variables{{"FAKE_SIGNAL", "KILL"}}}) {
        auto environment = misbehaving;
        environment["FAKE_ONLY"] = "*--archive-async*";
        CHECK(recovery.ask(planned, environment) == 0);
        CHECK(recovery.directory.read("calls") == asynchronous + synchronous);
        CHECK_FALSE(contains(recovery.errors, "trying again"));
    }
    // A history file is never fetched asynchronously.
    CHECK(recovery.ask("00000001.history", {{"FAKE_FAIL", "47"}, {"FAKE_ONLY", "*--archive-async*"}}) == 200);
    CHECK_FALSE(contains(recovery.directory.read("calls"), "--no-archive-async"));
}

TEST_CASE("with a ticket what lies in the restore's own spool is taken without pgbackrest while that is half full") {
    WithSpool recovery;
    recovery.ticket["wal"] = json::array({json::array({planned, "000000010000000000000009"})});
    recovery.write_ticket();
    recovery.fill(third);
    recovery.fill(last);
    recovery.fill("000000010000000000000005");
    recovery.fill("000000010000000000000006");
    CHECK(recovery.ask(third) == 0);
    CHECK_FALSE(recovery.directory.has("calls"));
    CHECK(recovery.directory.read("pg_wal/RECOVERYXLOG") == WithSpool::content);
    CHECK_FALSE(recovery.directory.has(WithSpool::incoming + third));
    // Now its archive-get has to see to more.
    CHECK(recovery.ask(last) == 0);
    CHECK(recovery.calls() == 1);
    CHECK(recovery.directory.has(WithSpool::incoming + last));
}

TEST_CASE("with a ticket no pgbackrest is started where the spool has all that is planned from there on") {
    WithSpool recovery;
    recovery.fill(third);
    recovery.fill(last);
    CHECK(recovery.ask(third) == 0);
    CHECK(recovery.ask(last) == 0);
    CHECK_FALSE(recovery.directory.has("calls"));
    CHECK(recovery.directory.read("pg_wal/RECOVERYXLOG") == WithSpool::content);
    // What came into the archive after the plan may have more behind it.
    const std::string later = "000000010000000000000005";
    recovery.fill(later);
    CHECK(recovery.ask(later) == 0);
    CHECK(recovery.calls() == 1);
    // One of a history's timelines counts by itself: nothing is fetched ahead over its end.
    recovery.ticket["timeline"] = 2;
    recovery.ticket["wal"].push_back(json::array({"000000020000000000000005", "000000020000000000000006"}));
    recovery.write_ticket();
    recovery.fill(last);
    CHECK(recovery.ask(last) == 0);
    CHECK_FALSE(recovery.directory.has("calls"));
    // One that is missing in between is fetched.
    recovery.fill(third);
    CHECK(recovery.ask(third) == 0);
    CHECK(recovery.calls() == 1);
}

TEST_CASE("with a ticket what comes into the spool is taken before pgbackrest looks there again") {
    WithSpool recovery;
    const auto deliver = WithSpool::write_to + recovery.directory.path(WithSpool::incoming + third).string();
    const Variables polite{{"FAKE_RUN", deliver}, {"FAKE_HANG", "1"}};
    const Variables deaf{{"FAKE_RUN", "trap '' TERM; " + deliver}, {"FAKE_HANG", "deaf"}};
    for (const auto& waiting : {polite, deaf}) {
        CHECK(recovery.ask(third, waiting) == 0);
        CHECK(recovery.calls() == 1);
        CHECK(recovery.directory.read("pg_wal/RECOVERYXLOG") == WithSpool::content);
        CHECK_FALSE(recovery.directory.has(WithSpool::incoming + third));
    }
}

TEST_CASE("with a ticket what was taken is fetched again where pgbackrest has begun to write there as well") {
    WithSpool recovery;
    recovery.ticket["latest"] = false;
    recovery.write_ticket();
    const auto file = recovery.directory.path(WithSpool::incoming + third).string();
    const auto run = "case $all in *--no-archive-async*) " + WithSpool::write_to +
                     "\"$last\" ;; *) trap ': >\"$last\"; exit 63' TERM; " + WithSpool::write_to + file +
                     "; while :; do sleep 0.1; done ;; esac";
    CHECK(recovery.ask(third, {{"FAKE_RUN", run}}) == 0);
    CHECK(recovery.calls() == 2);
    CHECK(recovery.directory.read("pg_wal/RECOVERYXLOG") == WithSpool::content);
}

TEST_CASE("with a ticket nothing asynchronous is started for what nothing follows, or was looked for in vain") {
    WithSpool recovery;
    CHECK(recovery.ask(last) == 0);
    CHECK(contains(recovery.directory.read("calls"), "--no-archive-async"));
    CHECK(recovery.calls() == 1);
    CHECK(recovery.ask("000000010000000000000005", {{"FAKE_FAIL", "1"}}) == 1);
    CHECK(recovery.calls() == 1);
    recovery.directory.write(WithSpool::incoming + third + ".ok", "");
    CHECK(recovery.ask(third) == 0);
    CHECK(contains(recovery.directory.read("calls"), "--no-archive-async"));
}

TEST_CASE("with a ticket what was fetched ahead for another server is not believed") {
    Recovery recovery;
    const auto ahead = "data.restoring.d/spool/archive/demo/in/" + planned;
    const auto spool = recovery.directory.path("data.restoring.d/spool").string();
    recovery.ticket["archive_get"] = {fake, "--archive-async", "--spool-path=" + spool, "archive-get"};
    recovery.write_ticket();
    recovery.directory.write(ahead, "not flushed");
    CHECK(recovery.ask("00000002.history", {{"FAKE_FAIL", "1"}}) == 1);
    CHECK(recovery.directory.has(ahead));
    CHECK(recovery.ask(planned) == 0);
    CHECK_FALSE(recovery.directory.has(ahead));
    // The same server goes on: startup_process is the one that asks here as well.
    recovery.directory.write(ahead, "flushed or not");
    CHECK(recovery.ask("000000010000000000000003") == 0);
    CHECK(recovery.directory.has(ahead));
}

TEST_CASE("with a ticket what lies in the configured spool is not believed by another server either") {
    Recovery recovery;
    const auto ahead = "spool/archive/demo/in/" + planned;
    recovery.ticket["incoming"] = recovery.directory.path("spool/archive/demo/in").string();
    recovery.write_ticket();
    recovery.directory.write(ahead, "not flushed");
    CHECK(recovery.ask(planned) == 0);
    CHECK_FALSE(recovery.directory.has(ahead));
    recovery.directory.write(ahead, "flushed or not");
    CHECK(recovery.ask("000000010000000000000003") == 0);
    CHECK(recovery.directory.has(ahead));
}

TEST_CASE("a data directory that was set aside takes nothing from the spool of the next restore") {
    for (const bool is_in_its_place : {false, true}) {
        CAPTURE(is_in_its_place);
        Recovery recovery;
        const auto ahead = "data.restoring.d/spool/archive/demo/in/" + planned;
        const auto spool = recovery.directory.path("data.restoring.d/spool").string();
        recovery.ticket["archive_get"] = {fake, "--archive-async", "--spool-path=" + spool, "archive-get"};
        recovery.ticket["data_directory"] = recovery.directory.path(is_in_its_place ? "" : "data").string();
        recovery.write_ticket();
        recovery.directory.write(ahead, "of the next restore");
        CHECK(recovery.ask(planned) == 0);
        CHECK(recovery.directory.has(ahead) != is_in_its_place);
        const std::string file = planned + " pg_wal/RECOVERYXLOG\n";
        const std::string synchronous = "--no-archive-async archive-get " + file;
        CHECK(recovery.directory.read("calls") ==
              (is_in_its_place ? "--archive-async --spool-path=" + spool + " archive-get " + file : synchronous));
        if (!is_in_its_place) {
            CHECK(recovery.ask(unplanned, {{"FAKE_FAIL", "1"}}) == 1);
            CHECK(recovery.directory.read("calls").find("--no-archive-async --no-archive-async") == std::string::npos);
        }
    }
}

TEST_CASE("with a ticket an error that passes is no error") {
    Recovery recovery;
    recovery.write_ticket();
    CHECK(recovery.ask(planned, {{"FAKE_FAIL", "49"}, {"FAKE_TIMES", "2"}}) == 0);
    CHECK(recovery.calls() == 3);
    CHECK_FALSE(contains(recovery.errors, "ERROR"));
}

TEST_CASE("with a ticket a pgbackrest that is killed aborts the recovery") {
    Recovery recovery;
    recovery.write_ticket();
    for (const std::string signal : {"KILL", "SEGV", "TERM"}) {
        CAPTURE(signal);
        CHECK(recovery.ask(planned, {{"FAKE_SIGNAL", signal}}) == 200);
        CHECK(recovery.calls() == 3);
    }
}

TEST_CASE("when the startup process that has asked is killed the guard ends with what it has started") {
    Recovery recovery;
    recovery.write_ticket();
    const auto file = [&](const std::string& name) { return recovery.directory.path(name).string(); };
    const auto script =
        recovery.directory.write("startup.sh", PROGRAM " archive-get " + planned + " pg_wal/RECOVERYXLOG &\necho $! >" +
                                                   file("guard") + "\nwait\n");
    Program::How how;
    how.directory = recovery.directory.path();
    how.environment = {{"FAKE_HANG", "1"}, {"FAKE_RUN", "echo $$ >" + file("child")}};
    how.executable = "/bin/sh";
    how.name = "startup";
    Program startup({script.string()}, how);
    const auto guard = recovery.directory.pid_in("guard");
    const auto child = recovery.directory.pid_in("child");
    REQUIRE(guard > 0);
    REQUIRE(child > 0);
    startup.signal(SIGKILL);
    CHECK(startup.wait() == 137);
    CHECK(eventually([&] { return !is_alive(guard); }, std::chrono::seconds(5)));
    CHECK_FALSE(is_alive(child));
}

TEST_CASE("what made the guard abort is noted for the bootstrap that waits for the server") {
    Recovery recovery;
    recovery.write_ticket();
    CHECK(recovery.ask(planned, {{"FAKE_FAIL", "49"}}) == 200);
    const auto notes = json::parse(recovery.directory.read("patroni_pgbackrest.replay"));
    CHECK(notes.at("aborted_with") == 6);
    CHECK(contains(notes.at("abort_message").get<std::string>(), "exited with code 49 (host-connect)"));
}

TEST_CASE("a server that Patroni restarted as a standby gets nothing that would lead past its target") {
    for (const std::string reason : {"latest", "explicit_timeline", "newest_timeline"}) {
        CAPTURE(reason);
        Recovery recovery;
        recovery.ticket["target"] = "xid 748";
        recovery.ticket[reason] = reason == "explicit_timeline";
        recovery.write_ticket();
        CHECK(recovery.ask(planned) == 0);
        recovery.directory.write("standby.signal", "");
        CHECK(recovery.ask(planned) == 200);
        CHECK(recovery.calls() == 0);
        CHECK(
            contains(recovery.errors,
                     " ERROR: the recovery of demo to xid 748 (timeline 1) was interrupted, and Patroni restarted it "
                     "as a standby without its target: refused, since it would be promoted with other data than asked "
                     "for\n  HINT: stop Patroni on every node, "));
    }
}

TEST_CASE("a restore to the latest point goes on after a restart as a standby") {
    Recovery recovery;
    recovery.write_ticket();
    recovery.directory.write("standby.signal", "");
    CHECK(recovery.ask(planned) == 0);
    CHECK(recovery.ask(unplanned, {{"FAKE_FAIL", "1"}}) == 1);
    CHECK(recovery.ask(unplanned, {{"FAKE_FAIL", "49"}}) == 200);
}

TEST_CASE("a restore that goes on as a standby does not follow a timeline that comes into the archive meanwhile") {
    Recovery recovery;
    recovery.write_ticket();
    CHECK(recovery.ask("000000010000000000000004") == 0);
    CHECK(recovery.ask("00000002.history") == 0);
    recovery.directory.write("standby.signal", "");
    CHECK(recovery.ask("00000002.history", {{"FAKE_FAIL", "1"}}) == 1);
    CHECK(recovery.ask("00000002.history") == 200);
    CHECK(contains(recovery.errors, " ERROR: 00000002.history came into the archive after the restore was planned, and "
                                    "PostgreSQL would follow it instead of timeline 1\n  HINT: find out who writes "
                                    "that timeline; then stop Patroni on every node, "));
}

TEST_CASE("a history file asked for in the middle of a replay tells of a damaged record") {
    Recovery recovery;
    recovery.write_ticket();
    const Variables absent{{"FAKE_FAIL", "1"}};
    CHECK(recovery.ask("00000002.history", absent) == 1);
    CHECK(recovery.ask(planned) == 0);
    CHECK(recovery.ask("00000002.history", absent) == 200);
    CHECK(recovery.calls() == 0);
    CHECK(contains(recovery.errors, "the replay ended before the last planned WAL segment 000000010000000000000004: a "
                                    "WAL record before it is damaged\n"));
    CHECK(recovery.ask("000000010000000000000004") == 0);
    CHECK(recovery.ask("00000002.history", absent) == 1);
}

TEST_CASE("with a ticket no number is taken that the archive had a history of") {
    Recovery recovery;
    recovery.ticket["histories"] = json::array({2});
    recovery.write_ticket();
    const Variables absent{{"FAKE_FAIL", "1"}};
    CHECK(recovery.ask("000000010000000000000004") == 0);
    CHECK(recovery.ask("00000002.history", absent) == 200);
    CHECK(contains(recovery.errors,
                   error("00000002.history was in the archive when the restore was planned, and is missing now",
                         "bring it back, or restore to a point before it")));
    CHECK(recovery.ask("00000002.history") == 0);
    CHECK(recovery.ask("00000003.history", absent) == 1);
}

TEST_CASE("a damaged ticket aborts the recovery, since what it protects is not known") {
    Recovery recovery;
    recovery.directory.write("patroni_pgbackrest.ticket", "{");
    CHECK(recovery.ask_plainly() == 200);
    CHECK(recovery.calls() == 0);
    CHECK(contains(recovery.errors, " ERROR: patroni_pgbackrest.ticket is damaged: "));
}

TEST_CASE("a ticket of a newer version aborts the recovery, since what it wants guarded is not known") {
    Recovery recovery;
    recovery.ticket["version"] = 2;
    recovery.write_ticket();
    CHECK(recovery.ask_plainly() == 200);
    CHECK(recovery.calls() == 0);
    CHECK(contains(recovery.errors,
                   error("patroni_pgbackrest.ticket has version 2, and this program reads version 1 and older",
                         "use the newer patroni_pgbackrest that wrote it, or move the data directory away and restore "
                         "it again")));
}

TEST_CASE("a ticket of a timeline that pg_control has left is a leftover") {
    Recovery recovery;
    recovery.write_ticket();
    // The timeline of the latest checkpoint lies at byte 48.
    auto control = patroni_pgbackrest::control_file("7710953412442782829");
    control[48] = 1;
    recovery.directory.write("global/pg_control", control);
    CHECK(recovery.ask(planned, {{"FAKE_FAIL", "1"}}, {"--pgbackrest=" + fake}) == 200);
    control[48] = 2;
    recovery.directory.write("global/pg_control", control);
    CHECK(recovery.ask(planned, {{"FAKE_FAIL", "1"}}, {"--pgbackrest=" + fake}) == 1);
}
