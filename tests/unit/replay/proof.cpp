#include "replay/proof.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest;
using postgres::ClusterState;
using postgres::Lsn;
using postgres::RecoveryLog;
using postgres::Timeline;

namespace {

/// A replay of one_timeline() that ended in timeline 2.
struct Ended {
    Files pg_wal;
    Request request;
    Plan plan;
    RecoveryLog log;
    postgres::ControlData control;

    explicit Ended(const RecoveryTarget& target) {
        request.target = target;
        request.backup_set = "20261122-090000F";
        plan = make_plan(request, one_timeline());
        control.state = ClusterState::shut_down;
        control.state_text = "shut down";
        control.timeline = Timeline{2};
    }
    void history(const std::string& lsn, const std::string& reason, int parent = 1) const {
        pg_wal.write("00000002.history", std::to_string(parent) + "\t" + lsn + "\t" + reason + "\n");
    }
    Reached proven() const { return prove_target(request, plan, log, control, pg_wal.path()); }
    Problems problems(ExitCode code = ExitCode::verification_failed) const {
        return problems_of(code, [this] { proven(); });
    }
    Failure failure(const std::optional<ReplayNotes>& notes = std::nullopt) const {
        return failure_of_replay(request, plan, log, notes, process::Exited{1}, "/data.restoring");
    }
};

/// `proven`, or what the failure says after its beginning.
std::string outcome(const RecoveryTarget& target, const std::string& lsn, const std::string& reason) {
    Ended ended(target);
    ended.history(lsn, reason);
    const auto problems = ended.problems();
    if (problems.empty()) {
        return "proven";
    }
    const auto start = "the replay to " + target.text() + " is not proven: ";
    REQUIRE(problems[0].message.substr(0, start.size()) == start);
    CHECK(problems[0].hint == "nothing was handed over; the next run begins with the backup again");
    return problems[0].message.substr(start.size());
}

const std::string inside = "0/7000158";
}  // namespace

TEST_CASE("what was reached is told by the history file and the log") {
    Ended ended(latest);
    ended.history("0/A000000", "no recovery target specified");
    ended.log.last_transaction_time = "2026-11-22 10:00:00+00";
    const auto reached = ended.proven();
    CHECK(reached.timeline == Timeline{2});
    CHECK(reached.lsn == Lsn{0xA000000});
    CHECK(reached.reason == "no recovery target specified");
    CHECK(reached.time == "2026-11-22 10:00:00+00");
}

TEST_CASE("each target is proven by PostgreSQL's own reason for it") {
    CHECK(outcome(latest, "0/A000000", "no recovery target specified") == "proven");
    CHECK(outcome({Immediate{}}, inside, "reached consistency") == "proven");
    CHECK(outcome({Name{"before the upgrade"}}, inside, "at restore point \"before the upgrade\"") == "proven");
    CHECK(outcome({Xid{748}}, inside, "after transaction 748") == "proven");
    CHECK(outcome({Xid{748}, true}, inside, "before transaction 748") == "proven");
    CHECK(outcome({Xid{4294967296 + 748}}, inside, "after transaction 748") == "proven");
    CHECK(outcome(lsn_target("0/7000028"), inside, "after LSN 0/7000028") == "proven");
    CHECK(outcome(lsn_target("0/7000028"), inside, "after LSN 0/7000060") == "proven");
    CHECK(outcome(lsn_target("0/7000028", true), inside, "before LSN 0/7000028") == "proven");
    const auto time = time_target("2026-11-22 10:00:00Z");
    CHECK(outcome(time, inside, "before 2026-11-22 10:00:00.000001+00") == "proven");
    CHECK(outcome(time, inside, "before 2026-11-22 11:30:00.5+01") == "proven");
    CHECK(outcome(time, inside, "before 2026-11-22 10:00:01 UTC") == "proven");
    CHECK(outcome(time_target("2026-11-22 10:00:00Z", true), inside, "before 2026-11-22 10:00:00+00") == "proven");
}

TEST_CASE("a restore to the latest point is proven at the end of the WAL alone") {
    CHECK(outcome(latest, "0/9000158", "no recovery target specified") ==
          "it ended at 0/9000158, before the end of the WAL at 0/A000000");
    Ended ended(latest);
    ended.plan.wal_end = Lsn{0x9000158};
    ended.history("0/9000158", "no recovery target specified");
    CHECK(ended.proven().lsn == Lsn{0x9000158});
    // What follows the last record of a segment that is not full.
    ended.log.invalid_record = "invalid record length at 0/9000158: wanted 24, got 0";
    CHECK(ended.proven().lsn == Lsn{0x9000158});
    ended.history("0/9000200", "no recovery target specified");
    CHECK(ended.problems(ExitCode::replay_failed).size() == 1);
}

TEST_CASE("a restore that ends with its plan is not proven behind that") {
    RecoveryTarget end{Latest{}};
    const std::string reason = "no recovery target specified";
    CHECK(outcome(end, "0/B000000", reason) == "proven");
    end.ends_with_plan = true;
    CHECK(outcome(end, "0/A000000", reason) == "proven");
    CHECK(outcome(end, "0/B000000", reason) ==
          "it ended at 0/B000000, behind the last planned WAL segment 000000010000000000000009");
    CHECK(outcome(end, "0/8000158", reason).starts_with("it ended at 0/8000158, before"));
}

TEST_CASE("a replay that ended for another reason than the target is not proven") {
    const auto other = [](const std::string& reason) { return "it ended at 0/7000158 for another reason: " + reason; };
    const std::string none = "no recovery target specified";
    const std::string transaction = "after transaction 749";
    const std::string point = "at restore point \"after\"";
    CHECK(outcome({Immediate{}}, inside, none) == other(none));
    CHECK(outcome({Name{"before"}}, inside, point) == other(point));
    CHECK(outcome({Name{"before"}}, inside, none) == other(none));
    CHECK(outcome({Xid{748}}, inside, transaction) == other(transaction));
    CHECK(outcome({Xid{749}, true}, inside, transaction) == other(transaction));
    CHECK(outcome(lsn_target("0/7000028"), inside, "after LSN 0/7000000") == other("after LSN 0/7000000"));
    CHECK(outcome(lsn_target("0/7000028"), inside, none) == other(none));
    const auto time = time_target("2026-11-22 10:00:00Z");
    CHECK(outcome(time, inside, "before 2026-11-22 09:59:59+00") == other("before 2026-11-22 09:59:59+00"));
    CHECK(outcome(time, inside, "before 2026-11-22 10:30:00+01") == other("before 2026-11-22 10:30:00+01"));
    CHECK(outcome(time, inside, "after 2026-11-22 10:00:01+00") == other("after 2026-11-22 10:00:01+00"));
    // The other side of the target was asked for.
    CHECK(outcome(time, inside, "before 2026-11-22 10:00:00+00") == other("before 2026-11-22 10:00:00+00"));
    CHECK(outcome(time, inside, "after 2026-11-22 10:00:00+00") == other("after 2026-11-22 10:00:00+00"));
    CHECK(outcome(lsn_target("0/7000028"), inside, "before LSN 0/7000028") == other("before LSN 0/7000028"));
    CHECK(outcome(lsn_target("0/7000028", true), inside, "after LSN 0/7000028") == other("after LSN 0/7000028"));
    CHECK(outcome(time, inside, none) == other(none));
    CHECK(outcome(latest, "0/A000000", "reached consistency") ==
          "it ended at 0/A000000 for another reason: reached consistency");
}

TEST_CASE("a restore to the latest point is proven by the last planned segment") {
    CHECK(outcome(latest, "0/9000000", "no recovery target specified") ==
          "it ended at 0/9000000, before the end of the WAL at 0/A000000");
    CHECK(outcome(latest, "0/8FFFFFF", "no recovery target specified") ==
          "it ended at 0/8FFFFFF, before the last planned WAL segment 000000010000000000000009");
}

TEST_CASE("a damaged record that ended a restore to the latest point is told with the way to live with it") {
    Ended ended(latest);
    ended.history("0/7000158", "no recovery target specified");
    ended.log.redo_end = Lsn{0x7000120};
    ended.log.invalid_record = "incorrect resource manager data checksum in record at 0/7000158";
    CHECK(ended.problems(ExitCode::replay_failed) ==
          Problems{{"a damaged WAL record ended the replay at 0/7000158: incorrect resource manager data checksum in "
                    "record at 0/7000158",
                    "repair the segment in the repository, or ask for the last sound point with type lsn and target "
                    "0/7000120"}});
}

TEST_CASE("a server that was not stopped, or not promoted, is not proven") {
    Ended running(latest);
    running.control.state = ClusterState::in_production;
    running.control.state_text = "in production";
    CHECK(running.problems()[0].message == "the replay to latest is not proven: pg_control says in production");
    Ended same(latest);
    same.control.timeline = Timeline{1};
    CHECK(same.problems()[0].message == "the replay to latest is not proven: timeline 1 is not new");
}

TEST_CASE("a new timeline whose number the archive had when it was planned is not proven") {
    Ended ended(latest);
    ended.history("0/A000000", "no recovery target specified");
    CHECK(ended.problems().empty());
    const std::string taken =
        "the replay to latest is not proven: timeline 2 is not new: the archive has one of that number already";
    ended.plan.archive_end.histories.insert(Timeline{2});
    REQUIRE(ended.problems().size() == 1);
    CHECK(ended.problems()[0].message == taken);
    ended.plan.archive_end.histories.clear();
    ended.plan.archive_end.last_segments[Timeline{2}].name = segment(2, 8);
    REQUIRE(ended.problems().size() == 1);
    CHECK(ended.problems()[0].message == taken);
}

TEST_CASE("without the new timeline's history file, or with another parent in it, nothing is proven") {
    const Ended ended(latest);
    CHECK(ended.problems()[0].message ==
          "the replay to latest is not proven: there is no " + ended.pg_wal.path("00000002.history").string());
    ended.history("0/A000000", "no recovery target specified");
    CHECK(ended.problems().empty());
    Ended third(latest);
    third.control.timeline = Timeline{3};
    third.pg_wal.write("00000003.history", "1\t0/7000158\tx\n2\t0/A000000\tno recovery target specified\n");
    CHECK(third.problems()[0].message == "the replay to latest is not proven: timeline 3 does not follow timeline 1");
    third.pg_wal.write("00000003.history", "");
    CHECK(third.problems()[0].message == "the replay to latest is not proven: timeline 3 does not follow timeline 1");
}

TEST_CASE("a replay along another past than the planned one is not proven") {
    Ended ended(latest);
    ended.plan = make_plan(ended.request, two_timelines());
    ended.control.timeline = Timeline{3};
    const auto fork = ended.plan.history.forks.front().at;
    const auto end = ended.plan.wal_end.value_or(Lsn{0xB000000}).text();
    const auto write = [&](Lsn at) {
        ended.pg_wal.write("00000003.history",
                           "1\t" + at.text() + "\tx\n2\t" + end + "\tno recovery target specified\n");
    };
    write(fork);
    CHECK(ended.problems().empty());
    write(Lsn{fork.value - 0x1000000});
    REQUIRE(ended.problems().size() == 1);
    CHECK(ended.problems()[0].message == "the replay to latest is not proven: it followed timeline 2, from 1 at " +
                                             Lsn{fork.value - 0x1000000}.text() + ", and the plan was 2, from 1 at " +
                                             fork.text());
}

TEST_CASE("what the guard met comes before PostgreSQL's words") {
    Ended ended(latest);
    ended.log.last_words = {"FATAL: could not restore file"};
    ReplayNotes notes;
    CHECK(ended.failure(notes).code() == ExitCode::replay_failed);
    notes.aborted_with = 6;
    notes.abort_message = "archive-get of x failed";
    notes.abort_hint = "bring it back";
    const auto failure = ended.failure(notes);
    CHECK(failure.code() == ExitCode::repository_unreachable);
    CHECK(failure.problems() ==
          Problems{{"the replay to latest was aborted: archive-get of x failed", "bring it back"}});
}

TEST_CASE("a target that the archive does not reach is told with the nearest point") {
    Ended ended(time_target("2026-11-22 11:00:00Z"));
    ended.log.last_words = {"FATAL: recovery ended before configured recovery target was reached"};
    CHECK(ended.failure().code() == ExitCode::target_not_reachable);
    CHECK(ended.failure().problems() ==
          Problems{{"the archive does not reach the target time 2026-11-22 11:00:00+00 on timeline 1",
                    "no WAL could be replayed"}});
    ended.log.redo_end = Lsn{0x9000158};
    CHECK(ended.failure().problems()[0].hint == "the nearest point is LSN 0/9000158");
    ended.log.last_transaction_time = "2026-11-22 10:00:00+00";
    CHECK(ended.failure().problems()[0].hint == "the nearest point is LSN 0/9000158, time 2026-11-22 10:00:00+00");
}

TEST_CASE("a transaction or a name that was not reached may lie before the backup") {
    for (const auto& target : {RecoveryTarget{Xid{748}}, RecoveryTarget{Name{"x"}}}) {
        Ended ended(target);
        ended.log.last_words = {"FATAL: recovery ended before configured recovery target was reached"};
        ended.log.redo_end = Lsn{0x9000158};
        CHECK(ended.failure().problems()[0].hint ==
              "the nearest point is LSN 0/9000158; if the target is before the end of backup set 20261122-090000F, "
              "only an older one leads to it (set)");
    }
}

TEST_CASE("a target that was reached before the end of the backup is refused for good") {
    Ended ended({Xid{748}});
    ended.log.last_words = {"FATAL:  requested recovery stop point is before consistent recovery point"};
    CHECK(ended.failure().code() == ExitCode::target_not_reachable);
    CHECK(ended.failure().is_lasting());
    CHECK(ended.failure().problems() ==
          Problems{{"the target xid 748 lies before the end of backup set 20261122-090000F",
                    "only an older backup set leads to it: name one with set; the first point that this one leads to "
                    "is its end, type immediate"}});
}

TEST_CASE("a damaged record before the target is told as such") {
    Ended ended({Xid{748}});
    ended.log.invalid_record = "invalid record length at 0/7000158: wanted 24, got 0";
    ended.log.redo_end = Lsn{0x7000158};
    ended.log.last_words = {"FATAL: recovery ended before configured recovery target was reached"};
    CHECK(ended.failure().code() == ExitCode::replay_failed);
    CHECK(ended.failure().problems() ==
          Problems{{"a damaged WAL record ended the replay before the target xid 748: invalid record length at "
                    "0/7000158: wanted 24, got 0",
                    "repair the segment in the repository; the nearest point is LSN 0/7000158"}});
}

TEST_CASE("what fails behind the end of a last segment that is not full is no damaged record") {
    Ended ended(latest);
    ended.log.invalid_record = "invalid record length at 0/9000158: wanted 24, got 0";
    ended.log.redo_end = Lsn{0x9000120};
    CHECK(ended.failure().code() == ExitCode::replay_failed);
    CHECK_FALSE(ended.failure().is_lasting());
    ended.log.last_words = {"FATAL:  could not extend file \"base/1/2\": No space left on device"};
    CHECK(ended.failure().code() == ExitCode::system_refused);
    ended.log.last_words = {"LOG:  incorrect resource manager data checksum in record at 0/9000158"};
    CHECK_FALSE(ended.failure().is_lasting());
    ended.log.last_words = {"FATAL:  WAL ends before consistent recovery point"};
    CHECK(ended.failure().is_lasting());
    CHECK(ended.failure().problems()[0].message.starts_with("a damaged WAL record ended the replay before the target"));
}

TEST_CASE("a missing custom resource manager names the setting that brings it") {
    Ended ended(latest);
    ended.log.last_words = {"FATAL: resource manager with ID 128 not registered"};
    CHECK(ended.failure().problems() ==
          Problems{{"the WAL was written by a custom resource manager: FATAL: resource manager with ID 128 not "
                    "registered",
                    "name the extension's library with preload, as the source had it in shared_preload_libraries"}});
}

TEST_CASE("pages that the backup does not have are a failure that lasts, with what can be done") {
    Ended ended(latest);
    ended.log.last_words = {"PANIC:  WAL contains references to invalid pages"};
    CHECK(ended.failure().is_lasting());
    CHECK(ended.failure().problems()[0].message ==
          "the WAL changes pages that the backup does not have: PANIC:  WAL contains references to invalid pages");
    ended.request.restore_options = {{"db-include", "app"}};
    CHECK(ended.failure().problems()[0].message.find("a database that db-include or db-exclude leaves out") !=
          std::string::npos);
    CHECK(ended.failure().problems()[0].hint.find("leave db-include and db-exclude out") == 0);
}

TEST_CASE("a WAL file that is too short is damaged for good") {
    Ended ended(latest);
    ended.log.last_words = {
        "FATAL:  archive file \"00000001000000000000000B\" has wrong size: 8388608 instead of 16777216"};
    CHECK(ended.failure().code() == ExitCode::pgbackrest_failed);
    CHECK(ended.failure().is_lasting());
    CHECK(ended.failure().problems() ==
          Problems{{"a WAL file is damaged in the repository: FATAL:  archive file \"00000001000000000000000B\" has "
                    "wrong size: 8388608 instead of 16777216",
                    "bring an intact copy of it back, or restore to a point before it with type lsn"}});
}

TEST_CASE("a full disk is named, whoever met it") {
    Ended ended(latest);
    ended.log.last_words = {"FATAL:  could not extend file \"base/1/2\": No space left on device"};
    CHECK(ended.failure().problems() ==
          Problems{{"the disk of /data.restoring is full: FATAL:  could not extend file \"base/1/2\": No space left on "
                    "device",
                    "make room there, then run it again: it continues where it stopped"}});
    CHECK(ended.failure().code() == ExitCode::system_refused);
    CHECK_FALSE(ended.failure().is_lasting());
    Ended cut_short(latest);
    cut_short.log.last_words = {"FATAL:  could not extend file \"base/1/2\": wrote only 4096 of 8192 bytes at block 3",
                                "HINT:  Check free disk space."};
    CHECK(cut_short.failure().code() == ExitCode::system_refused);
}

TEST_CASE("what the system refused PostgreSQL is told as that, with what to do, and may pass") {
    for (const auto& [words, hint] : std::initializer_list<std::pair<const char*, const char*>>{
             {"FATAL:  could not map anonymous shared memory: Cannot allocate memory", "free memory"},
             {"FATAL:  out of memory", "free memory"},
             {"FATAL:  insufficient file descriptors available to start server process", "limit of open files, "},
             {"FATAL:  could not open file \"base/1/2\": Too many open files", "limit of open files, "},
             {"PANIC:  could not open file \"base/1/2\": Too many open files in system", "fs.file-max"},
             {"FATAL:  could not fork startup process: Resource temporarily unavailable", "processes and threads"}}) {
        CAPTURE(words);
        Ended ended(latest);
        ended.log.last_words = {words};
        CHECK(ended.failure().code() == ExitCode::system_refused);
        CHECK_FALSE(ended.failure().is_lasting());
        CHECK(ended.failure().problems()[0].message ==
              "PostgreSQL exited with code 1 during the replay, since the operating system refused it what it needs: " +
                  std::string(words));
        CHECK(ended.failure().problems()[0].hint.find(hint) != std::string::npos);
    }
    Ended damaged(latest);
    damaged.log.last_words = {"FATAL:  out of memory while trying to decode a record of length 4000000000"};
    CHECK(damaged.failure().code() == ExitCode::replay_failed);
}

TEST_CASE("any other end is told in PostgreSQL's last words") {
    Ended ended(latest);
    CHECK(ended.failure().code() == ExitCode::replay_failed);
    CHECK(ended.failure().problems()[0].message ==
          "PostgreSQL exited with code 1 during the replay; its last words: none");
    ended.log.last_words = {"FATAL: could not write to file", "HINT: make room"};
    CHECK(ended.failure().problems() ==
          Problems{{"PostgreSQL exited with code 1 during the replay; its last words: FATAL: could not write to file; "
                    "HINT: make room",
                    "read PostgreSQL's lines above; the next run continues with the same copy"}});
}

TEST_CASE("a replay that a flush has ended is told from one that a write has ended") {
    Ended ended(latest);
    ended.log.last_words = {"PANIC:  could not fsync file \"base/5/16384\": Input/output error"};
    CHECK(tells_of_a_flush(ended.failure().what()));
    ended.log.last_words = {"PANIC:  could not fdatasync file \"000000010000000000000007\": Input/output error"};
    CHECK(tells_of_a_flush(ended.failure().what()));
    ended.log.last_words = {"FATAL:  could not write to file \"base/5/16384\": Input/output error"};
    CHECK_FALSE(tells_of_a_flush(ended.failure().what()));
}
