#include "checks/verify_cluster.hpp"

#include "checks/checks.hpp"
#include "checks/verify_report.hpp"
#include "replay/probes.hpp"
#include "support/archives.hpp"
#include "support/catch.hpp"
#include "support/control_file.hpp"

#include <nlohmann/json.hpp>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest;
using postgres::Lsn;
using postgres::ServerFacts;
using postgres::Timeline;

namespace {

const std::string inside = "0/7000158";

RecoveryTarget time_target() {
    return {*Time::parse("2026-11-22 10:00:00Z")};
}

/// A restore of timeline 1 to 10:00, as standalone mode writes it down.
Journal journal(bool standalone = true) {
    Journal journal;
    journal.backup_set = "20261122-080000F";
    journal.system_identifier = "7710953412442782829";
    journal.goal = RestoreGoal{time_target(), Timeline{1}, segment(1, 9), segment_size, true};
    if (standalone) {
        journal.reached = Reached{Timeline{2}, Lsn{0x7000158}, "before 2026-11-22 10:00:00.5+00", "2026-11-22 09:59"};
    }
    return journal;
}

/// The server that came up from it.
ServerFacts server() {
    ServerFacts facts;
    facts.version = "15.20";
    facts.system_identifier = "7710953412442782829";
    facts.timeline = Timeline{2};
    facts.history = "1\t" + inside + "\tbefore 2026-11-22 10:00:00.5+00\n";
    facts.data_directory = "/pg/data";
    facts.checksums = true;
    facts.archiving = {{"archive_mode", "on"}, {"archive_command", "push %p"}};
    facts.last_archived = "00000002.history";
    return facts;
}

/// `id: message` of each.
std::vector<std::string> said(const std::vector<Finding>& findings) {
    std::vector<std::string> texts;
    for (const auto& finding : findings) {
        CHECK(find_check(finding.id) != nullptr);
        CHECK_FALSE(finding.problem.hint.empty());
        texts.push_back(finding.id + ": " + finding.problem.message);
    }
    return texts;
}

std::vector<std::string> cluster(const ServerFacts& facts, const Journal& of) {
    return said(judge_cluster(facts, of));
}

using Said = std::vector<std::string>;

}  // namespace

TEST_CASE("what was asked for came up: nothing is found") {
    CHECK(cluster(server(), journal()).empty());
    CHECK(cluster(server(), journal(false)).empty());
    CHECK(judge_remains(server()).empty());
    CHECK(judge_archiver(server(), true).empty());
}

TEST_CASE("a cluster that was promoted again later still comes from the restore") {
    auto facts = server();
    facts.timeline = Timeline{4};
    *facts.history += "2\t0/8000000\tno recovery target specified\n3\t0/9000000\tno recovery target specified\n";
    CHECK(cluster(facts, journal()).empty());
    const auto reached = reached_in_history(facts, *journal().goal);
    REQUIRE(reached);
    CHECK(reached->timeline == Timeline{2});
    CHECK(reached->lsn == Lsn{0x7000158});
}

TEST_CASE("a server in recovery is no result") {
    auto facts = server();
    facts.in_recovery = true;
    facts.timeline = Timeline{1};
    facts.history.reset();
    CHECK(cluster(facts, journal()).empty());
    CHECK(said(judge_remains(facts)) == Said{"verify-in-recovery: the server is still in recovery"});
    CHECK(has_error(judge_remains(facts)));
}

TEST_CASE("the server that Patroni starts on its data_dir, and that serves another directory, is an error") {
    CHECK(judge_directory(server(), server().data_directory).empty());
    CHECK(judge_directory(server(), server().data_directory / "").empty());
    const auto findings = judge_directory(server(), "/pg/other");
    CHECK(said(findings) ==
          Said{"verify-other-directory: the server runs on /pg/data, and not on /pg/other, which was restored"});
    CHECK(has_error(findings));
}

TEST_CASE("another cluster is an error, whatever else is right") {
    auto facts = server();
    facts.system_identifier = "1";
    CHECK(cluster(facts, journal()) ==
          Said{"verify-other-cluster: system identifier 1 is not the backup's, 7710953412442782829"});
    CHECK(has_error(judge_cluster(facts, journal())));
}

TEST_CASE("a timeline that is old or comes from elsewhere is an error") {
    auto facts = server();
    facts.timeline = Timeline{1};
    facts.history.reset();
    CHECK(cluster(facts, journal()) == Said{"verify-timeline: timeline 1 is not new: the restore followed timeline 1"});
    facts = server();
    facts.timeline = Timeline{3};
    facts.history = "2\t" + inside + "\tno recovery target specified\n";
    CHECK(cluster(facts, journal()) == Said{"verify-timeline: timeline 3 does not come from timeline 1 through 2"});
    CHECK(cluster(facts, journal(false)) == Said{"verify-timeline: timeline 3 does not come from timeline 1"});
    facts.history = "1\t" + inside + "\tbefore 2026-11-22 10:00:00.5+00\n";
    CHECK(cluster(facts, journal()) == Said{"verify-timeline: timeline 3 does not come from timeline 1 through 2"});
    CHECK(has_error(judge_cluster(facts, journal())));
}

TEST_CASE("a recovery that ended elsewhere than asked is an error") {
    auto facts = server();
    facts.history = "1\t0/7000200\tbefore 2026-11-22 10:00:00.5+00\n";
    CHECK(cluster(facts, journal()) ==
          Said{"verify-target-missed: timeline 2 begins at 0/7000200, and the restore ended at 0/7000158"});
    facts.history = "1\t" + inside + "\tno recovery target specified\n";
    CHECK(cluster(facts, journal(false)) ==
          Said{"verify-target-missed: the target was time 2026-11-22 10:00:00+00: it ended at 0/7000158 for another "
               "reason: no recovery target specified"});
    auto latest = journal(false);
    latest.goal->target = {Latest{}};
    CHECK(cluster(facts, latest) == Said{"verify-target-missed: the target was latest: it ended at 0/7000158, before "
                                         "the last planned WAL segment 000000010000000000000009"});
    facts.history = "1\t0/9000158\tno recovery target specified\n";
    CHECK(cluster(facts, latest).empty());
    latest.goal->wal_end = Lsn{0x9000158};
    CHECK(cluster(facts, latest).empty());
    latest.goal->wal_end = Lsn{0xA000000};
    CHECK(cluster(facts, latest) == Said{"verify-target-missed: the target was latest: it ended at 0/9000158, before "
                                         "the end of the WAL at 0/A000000"});
}

TEST_CASE("a history file that is gone or damaged is only a warning where nothing says that it is wrong") {
    auto facts = server();
    facts.history.reset();
    CHECK(cluster(facts, journal()) == Said{"verify-history-missing: pg_wal has no 00000002.history"});
    CHECK(judge_cluster(facts, journal())[0].problem.hint.ends_with(
        "pgbackrest --stanza=NAME archive-get 00000002.history /pg/data/pg_wal/00000002.history"));
    auto spaced = facts;
    spaced.data_directory = "/pg/my data";
    CHECK(judge_cluster(spaced, journal())[0].problem.hint.ends_with("'/pg/my data/pg_wal/00000002.history'"));
    CHECK_FALSE(has_error(judge_cluster(facts, journal())));
}

TEST_CASE("checksums, signal files and recovery settings that are left are warnings") {
    auto facts = server();
    facts.checksums = false;
    facts.signal_files = {"recovery.signal"};
    facts.recovery_settings = {{"restore_command", "/pg/data/postgresql.auto.conf"}};
    CHECK(cluster(facts, journal()) == Said{"verify-checksums: data checksums are off, in the backup they were on"});
    const auto remains = judge_remains(facts);
    CHECK(said(remains) == Said{"verify-signal-file: /pg/data/recovery.signal is there although the recovery is over",
                                "verify-recovery-setting: restore_command is still set"});
    CHECK(remains[1].problem.place == "/pg/data/postgresql.auto.conf");
    CHECK_FALSE(has_error(remains));
}

TEST_CASE("what a hint of verify says takes its finding away and brings no other") {
    const auto found = [](const ServerFacts& facts, const Journal& of) {
        auto findings = judge_cluster(facts, of);
        append(findings, judge_remains(facts));
        append(findings, judge_archiver(facts, true));
        return findings;
    };
    REQUIRE(found(server(), journal()).empty());
    SECTION("the connection leads to the server that was restored") {
        auto facts = server();
        facts.system_identifier = "1";
        REQUIRE(said(found(facts, journal())).front().starts_with("verify-other-cluster"));
        facts.system_identifier = journal().system_identifier;
        CHECK(found(facts, journal()).empty());
    }
    SECTION("a restore that is done again has the next timeline, and its own journal") {
        auto facts = server();
        facts.history = "1\t0/7000200\tbefore 2026-11-22 10:00:00.5+00\n";
        REQUIRE(said(found(facts, journal())).front().starts_with("verify-target-missed"));
        facts.history = "1\t" + inside + "\tbefore 2026-11-22 10:00:00.5+00\n";
        facts.timeline = Timeline{3};
        REQUIRE(said(found(facts, journal())).front().starts_with("verify-timeline"));
        auto again = journal();
        again.reached->timeline = Timeline{3};
        facts.last_archived = "00000003.history";
        CHECK(found(facts, again).empty());
    }
    SECTION("checksums are what they were after another pg_checksums") {
        auto facts = server();
        facts.checksums = false;
        const auto findings = found(facts, journal());
        REQUIRE(findings.size() == 1);
        CHECK(findings[0].problem.hint.find("pg_checksums --enable takes that back") != std::string::npos);
        facts.checksums = true;
        CHECK(found(facts, journal()).empty());
    }
    SECTION("the archiver has the history after archive_command was corrected") {
        auto facts = server();
        facts.last_archived = "000000010000000000000007";
        REQUIRE(said(found(facts, journal())) ==
                Said{"verify-not-archived: 00000002.history is not in the archive yet"});
        facts.last_archived = "00000002.history";
        CHECK(found(facts, journal()).empty());
    }
}

TEST_CASE("archiving is compared with Patroni's configuration, and the commands are not shown") {
    const auto configuration = patroni_yml("bootstrap:\n  dcs:\n    postgresql:\n      parameters:\n"
                                           "        archive_mode: on\n        archive_command: push secret\n"
                                           "postgresql:\n  parameters:\n    archive_command: push %p\n");
    REQUIRE(configuration);
    const auto& in_force = configuration->archiving;
    auto facts = server();
    CHECK(judge_settings(facts, in_force).empty());
    facts.archiving["archive_command"] = "other secret";
    CHECK(judge_settings(facts, {}).empty());
    const auto findings = judge_settings(facts, in_force);
    CHECK(said(findings) ==
          Said{"verify-archive-setting: the server's archive_command is not the one of Patroni's configuration"});
    CHECK(findings_text(findings).find("secret") == std::string::npos);
    facts.archiving = {{"archive_mode", "off"}, {"archive_command", "(disabled)"}};
    CHECK(said(judge_settings(facts, in_force)) ==
          Said{"verify-archive-setting: the server's archive_mode is not the one of Patroni's configuration"});
}

TEST_CASE("an archiver that fails is a warning, one that was not given time is not") {
    auto facts = server();
    facts.last_archived = "000000010000000000000007";
    CHECK_FALSE(archiving_is_settled(facts));
    CHECK(judge_archiver(facts, false).empty());
    CHECK(said(judge_archiver(facts, true)) == Said{"verify-not-archived: 00000002.history is not in the archive yet"});
    facts.history_archived = true;
    CHECK(archiving_is_settled(facts));
    facts.last_failed = "00000002.history";
    CHECK(said(judge_archiver(facts, false)) ==
          Said{"verify-archiver-failing: the archiver fails with 00000002.history"});
    CHECK(judge_archiver(facts, false)[0].problem.hint.find("in postgresql.parameters of patroni.yml, else with "
                                                            "patronictl edit-config") != std::string::npos);
    CHECK_FALSE(has_error(judge_archiver(facts, false)));
    facts.archiving["archive_mode"] = "off";
    CHECK(archiving_is_settled(facts));
    CHECK(judge_archiver(facts, true).empty());
}

TEST_CASE("only true is true for a probe") {
    const std::vector<postgres::Probe> probes{{"", "select 1 = 1", "--probe"},
                                              {"app", " select 1 = 2 ", "patroni.yml:7"},
                                              {"", "select null", ""},
                                              {"", "select pg_sleep(60)", ""}};
    const auto findings = judge_probes(
        probes, {{"true", ""}, {"false", ""}, {"", ""}, {"", "57014 canceling statement due to statement timeout"}});
    CHECK(said(findings) ==
          Said{"verify-probe: probe 2 in app: select 1 = 2: returned 'false' instead of true",
               "verify-probe: probe 3: select null: returned nothing instead of true",
               "verify-probe-unanswered: probe 4: select pg_sleep(60): could not be run: 57014 canceling "
               "statement due to statement timeout"});
    CHECK(findings[0].problem.place == "patroni.yml:7");
    CHECK(has_error(findings));
}

TEST_CASE("a journal counts for the very directory that was handed over") {
    const Files files;
    const auto data = files.path("data");
    files.write("data/global/pg_control", control_file(journal().system_identifier));
    std::string why;
    CHECK_FALSE(journal_of(data, why));
    CHECK(why == "there is no journal of a restore beside " + data.string());
    auto written = journal();
    written.phase = Phase::handed_over;
    written.handed_over = HandedOver::of(data);
    std::filesystem::create_directories(files.path("data.restoring.d"));
    const auto file = files.path("data.restoring.d/journal.json");
    written.save(file);
    const auto found = journal_of(data, why);
    REQUIRE(found);
    CHECK(why.empty());
    CHECK(found->goal->target.text() == "time 2026-11-22 10:00:00+00");
    CHECK(found->reached->lsn == Lsn{0x7000158});
    written.goal.reset();
    written.save(file);
    CHECK_FALSE(journal_of(data, why));
    CHECK(why == "the journal " + file.string() + " is of an older version");
    written.handed_over->inode += 1;
    written.save(file);
    CHECK_FALSE(journal_of(data, why));
    CHECK(why == "the journal " + file.string() + " is of another data directory");
    files.write("data.restoring.d/journal.json", "{");
    CHECK_FALSE(journal_of(data, why));
    CHECK(why.find("is damaged") != std::string::npos);
}

TEST_CASE("the report tells what was asked and what was reached, as text and as JSON") {
    VerifyReport report{server(), journal(), 2, {{"verify-probe", {"probe 1: no", "hint"}}}};
    CHECK(report.text() == "server     PostgreSQL 15.20 in /pg/data, timeline 2\n"
                           "asked      time 2026-11-22 10:00:00+00, backup set 20261122-080000F, timeline 1\n"
                           "reached    0/7000158 (before 2026-11-22 10:00:00.5+00), timeline 2, last transaction at "
                           "2026-11-22 09:59\n"
                           "checksums  on\n"
                           "archiving  00000002.history archived\n"
                           "probes     1 of 2 true\n"
                           "ERROR   verify-probe: probe 1: no\n"
                           "        HINT: hint\n"
                           "1 errors, 0 warnings\n");
    const auto json = nlohmann::json::parse(report.json());
    CHECK(json["exit_code"] == 8);
    CHECK(json["asked"]["type"] == "time");
    CHECK(json["reached"]["lsn"] == inside);
    CHECK(json["server"]["timeline"] == 2);
    CHECK(json["findings"][0]["severity"] == "error");
}
