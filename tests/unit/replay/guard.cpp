#include "replay/guard.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/forked.hpp"
#include "support/restore.hpp"

#include "staging/rejected_directory.hpp"

#include <unistd.h>

#include <map>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest;
using Kind = GuardAnswer::Kind;
using postgres::Timeline;

namespace {

/// A restore to the latest point that follows timeline 2 from segment 2 to segment 9.
Ticket ticket() {
    Ticket ticket;
    ticket.scope = "demo";
    ticket.target = "latest";
    ticket.timeline = Timeline{2};
    ticket.wal = {{segment(1, 2), segment(1, 6)}, {segment(2, 7), segment(2, 9)}};
    return ticket;
}

Ticket with_target() {
    auto result = ticket();
    result.target = "xid 748";
    result.latest = false;
    return result;
}

ReplayState after(bool served, bool served_last, bool standby = false) {
    ReplayState state;
    state.standby = standby;
    state.notes.served = served;
    state.notes.served_last = served_last;
    return state;
}

const ReplayState fresh{};

/// The beginning of a segment's first page (XLogLongPageHeaderData, PostgreSQL 15).
std::string first_page(std::uint64_t address, std::uint64_t system_identifier = 7710953412442782829) {
    const auto raw = [](auto number) { return std::string(reinterpret_cast<const char*>(&number), sizeof number); };
    return raw(std::uint16_t{0xD110}) + raw(std::uint16_t{2}) + raw(std::uint32_t{1}) + raw(address) +
           raw(std::uint64_t{0}) + raw(system_identifier) + raw(std::uint32_t{16U << 20}) + raw(std::uint32_t{8192});
}

postgres::ControlFile control_of(const std::string& system_identifier) {
    postgres::ControlFile control;
    control.system_identifier = system_identifier;
    return control;
}

/// The message for a delivered file of 16 MB; empty when it is taken.
std::string refused(const Ticket& ticket, const std::string& wanted, const std::string& page) {
    const auto answer = refuse_other_wal(ticket, wanted, page, segment_size.bytes, control_of("7710953412442782829"));
    return answer ? answer->message : "";
}

GuardAnswer judged(const std::string& wanted, const process::Outcome& outcome, const std::string& errors = {}) {
    return judge(ticket(), fresh, wanted, outcome, errors);
}

}  // namespace

TEST_CASE("what pgbackrest delivers is delivered, planned or not") {
    for (const auto& wanted : {segment(1, 2), segment(2, 9), segment(2, 20), std::string("00000002.history")}) {
        CAPTURE(wanted);
        CHECK(judged(wanted, process::Exited{0}).kind == Kind::delivered);
    }
}

TEST_CASE("what is not in the archive and was never planned ends the archive") {
    for (const auto& wanted : {segment(2, 10), segment(1, 7), segment(3, 7), std::string("00000003.history"),
                               std::string("00000001.history")}) {
        CAPTURE(wanted);
        CHECK(judged(wanted, process::Exited{1}).kind == Kind::not_there);
    }
}

TEST_CASE("a restore that ends with its plan takes no segment that came into the archive later") {
    auto ends_with_plan = ticket();
    ends_with_plan.stop.ends_with_plan = true;
    for (const auto& wanted : {segment(2, 10), segment(2, 20), segment(3, 7), segment(1, 7)}) {
        CAPTURE(wanted);
        CHECK(is_past_the_end(ends_with_plan, wanted));
    }
    for (const auto& wanted : {segment(1, 2), segment(1, 6), segment(2, 7), segment(2, 9),
                               std::string("00000002.history"), std::string("00000003.history")}) {
        CAPTURE(wanted);
        CHECK_FALSE(is_past_the_end(ends_with_plan, wanted));
    }
    CHECK_FALSE(ends_with_plan.survives_restart_as_standby());
}

TEST_CASE("what an older timeline wrote after it was left is past the end for every restore") {
    for (const auto& one : {ticket(), with_target()}) {
        CHECK(is_past_the_end(one, segment(1, 7)));
        CHECK_FALSE(is_past_the_end(one, segment(2, 10)));
        CHECK_FALSE(is_past_the_end(one, segment(1, 6)));
    }
}

TEST_CASE("what was planned and is not there now is asked for again, then aborts the recovery") {
    for (const auto& wanted :
         {segment(1, 2), segment(1, 6), segment(2, 7), segment(2, 9), std::string("00000002.history")}) {
        CAPTURE(wanted);
        const auto answer = judged(wanted, process::Exited{1});
        CHECK(answer.kind == Kind::retry);
        CHECK(answer.cause == ExitCode::target_not_reachable);
        CHECK(answer.message == wanted + " was in the archive when the restore was planned, and is missing now");
        CHECK(answer.hint == "bring it back, or restore to a point before it");
    }
}

TEST_CASE("what is not there while a repository cannot be asked is asked for again, and never lasts") {
    const std::string away = "WARN: repo2: [HostConnectError] timeout connecting to 'nas:22'\n";
    for (const auto& wanted : {segment(1, 2), segment(2, 9), segment(2, 10), std::string("00000002.history"),
                               std::string("00000003.history")}) {
        CAPTURE(wanted);
        const auto answer = judged(wanted, process::Exited{1}, away);
        CHECK(answer.kind == Kind::retry);
        CHECK(answer.cause == ExitCode::repository_unreachable);
        CHECK_FALSE(answer.lasts);
        CHECK(answer.message == "archive-get of " + wanted +
                                    " failed: pgbackrest exited with code 1, and not every repository could be asked: "
                                    "repo2: [HostConnectError] timeout connecting to 'nas:22'");
        CHECK(answer.hint == "bring the repository back; the next run continues where this one stopped");
    }
    CHECK(judge(with_target(), fresh, segment(2, 9), process::Exited{1}, away).kind == Kind::retry);
    CHECK(judge(with_target(), fresh, "00000003.history", process::Exited{1}, away).kind == Kind::retry);
    // Read ahead of the target, and not needed.
    CHECK(judge(with_target(), fresh, segment(2, 10), process::Exited{1}, away).kind == Kind::not_there);
    // One that holds another cluster's archive has answered.
    const std::string other = "WARN: repo2: [ArchiveMismatchError] unable to retrieve the archive id for database "
                              "version '15' and system-id '7710953412442782829'\n";
    CHECK(judged(segment(2, 10), process::Exited{1}, other).kind == Kind::not_there);
    CHECK(judged(segment(2, 9), process::Exited{1}, other).cause == ExitCode::target_not_reachable);
}

TEST_CASE("patroni mode: a timeline that came into the archive after the plan is not followed") {
    auto in_patroni = ticket();
    in_patroni.recovery = Recovery::patroni;
    const std::string history = "00000003.history";
    const auto answer = judge(in_patroni, fresh, history, process::Exited{0}, "");
    CHECK(answer.kind == Kind::abort);
    CHECK(answer.cause == ExitCode::target_not_reachable);
    CHECK(answer.message ==
          "00000003.history came into the archive after the restore was planned, and PostgreSQL would "
          "follow it instead of timeline 2");
    CHECK(judge(in_patroni, fresh, "00000002.history", process::Exited{0}, "").kind == Kind::delivered);
    // Behind the replay its number must be known as taken.
    CHECK(judge(in_patroni, after(true, true), history, process::Exited{0}, "").kind == Kind::delivered);
    // As a standby PostgreSQL follows it whenever it hears of it.
    const auto as_standby = judge(in_patroni, after(true, true, true), history, process::Exited{0}, "");
    CHECK(as_standby.kind == Kind::abort);
    CHECK(as_standby.message == answer.message);
    CHECK(as_standby.hint == "find out who writes that timeline; then stop Patroni on every node, move the data "
                             "directory away, run patronictl remove for the scope and start Patroni again: it calls "
                             "the bootstrap method anew");
    CHECK(judge(in_patroni, after(true, true, true), "00000002.history", process::Exited{0}, "").kind ==
          Kind::delivered);
    in_patroni.explicit_timeline = true;
    CHECK(judge(in_patroni, fresh, history, process::Exited{0}, "").kind == Kind::delivered);
}

TEST_CASE("a history that was replaced since the plan is not given to PostgreSQL") {
    auto planned = ticket();
    planned.past = "2, from 1 at 0/7000000";
    const std::string wanted = "00000002.history";
    CHECK_FALSE(refuse_other_past(planned, wanted, "1\t0/7000000\tanother reason\n"));
    const auto other = refuse_other_past(planned, wanted, "1\t0/6000000\tno recovery target specified\n");
    REQUIRE(other);
    CHECK(other->kind == Kind::abort);
    CHECK(other->cause == ExitCode::target_not_reachable);
    CHECK_FALSE(other->lasts);
    CHECK(other->message == "00000002.history is not the one that the restore was planned with: it says 2, from 1 at "
                            "0/6000000, and the plan 2, from 1 at 0/7000000");
    CHECK(refuse_other_past(planned, wanted, ""));
    CHECK(refuse_other_past(planned, wanted, "no history"));
    CHECK_FALSE(refuse_other_past(planned, "00000003.history", "1\t0/6000000\tx\n"));
    CHECK_FALSE(refuse_other_past(ticket(), wanted, "1\t0/6000000\tx\n"));  // an older program's ticket
}

TEST_CASE("what PostgreSQL reads ahead of a target need not be readable") {
    const std::string errors = "ERROR: [045]: duplicates found for WAL segment";
    CHECK(judge(with_target(), fresh, segment(2, 10), process::Exited{45}, errors).kind == Kind::not_there);
    CHECK(judge(with_target(), fresh, segment(2, 9), process::Exited{45}, errors).kind == Kind::retry);
    CHECK(judge(with_target(), fresh, segment(2, 10), process::Exited{49}, "").kind == Kind::retry);
    CHECK(judge(ticket(), fresh, segment(2, 10), process::Exited{45}, errors).kind == Kind::retry);
}

TEST_CASE("no error of pgbackrest ends the archive") {
    for (int code = 2; code < 256; ++code) {
        CAPTURE(code);
        CHECK(judged(segment(2, 20), process::Exited{code}).kind == Kind::retry);
        CHECK(judged("00000003.history", process::Exited{code}).kind == Kind::retry);
    }
    CHECK(judged(segment(2, 20), process::Signalled{9}).kind == Kind::retry);
    CHECK(judged(segment(2, 20), process::NotStarted{"No such file or directory"}).kind == Kind::retry);
    CHECK(judged(segment(2, 20), process::Stalled{}).kind == Kind::retry);
}

TEST_CASE("an error keeps its meaning for bootstrap's own exit code") {
    CHECK(judged(segment(1, 2), process::Exited{49}, "ERROR: [049]: unable to connect to 'repo:8432'").cause ==
          ExitCode::repository_unreachable);
    CHECK(judged(segment(1, 2), process::Exited{50}, "").cause == ExitCode::lock_held);
    CHECK(judged(segment(1, 2), process::Exited{95}, "ERROR: [095]: unable to flush").cause ==
          ExitCode::pgbackrest_failed);
    CHECK(judged(segment(1, 2), process::NotStarted{"x"}).cause == ExitCode::preflight_refused);
    const auto answer = judged(segment(1, 2), process::Exited{49}, "ERROR: [049]: unable to connect to 'repo:8432'");
    CHECK(answer.message == "archive-get of 000000010000000000000002 failed: pgbackrest exited with code 49 "
                            "(host-connect): unable to connect to 'repo:8432'");
    CHECK_FALSE(answer.hint.empty());
}

TEST_CASE("a server that was restarted as a standby is refused unless it would end where it should") {
    CHECK_FALSE(refuse_before_asking(ticket(), after(false, false, true), segment(1, 2)));
    CHECK_FALSE(refuse_before_asking(with_target(), fresh, segment(1, 2)));

    auto explicit_timeline = ticket();
    explicit_timeline.explicit_timeline = true;
    auto older_timeline = ticket();
    older_timeline.newest_timeline = false;
    for (const auto& refused : {with_target(), explicit_timeline, older_timeline}) {
        for (const auto& wanted : {segment(1, 2), segment(2, 20), std::string("00000003.history")}) {
            const auto answer = refuse_before_asking(refused, after(false, false, true), wanted);
            REQUIRE(answer);
            CHECK(answer->kind == Kind::abort);
            CHECK(answer->cause == ExitCode::replay_failed);
        }
    }
    const auto answer = refuse_before_asking(with_target(), after(false, false, true), segment(1, 2));
    CHECK(answer->message ==
          "the recovery of demo to xid 748 (timeline 2) was interrupted, and Patroni restarted it as a standby without "
          "its target: refused, since it would be promoted with other data than asked for");
    CHECK(answer->hint ==
          "stop Patroni on every node, move the data directory away, run patronictl remove for the scope "
          "and start Patroni again: it calls the bootstrap method anew");
}

TEST_CASE("a question for a history file in the middle of a replay to the latest point tells of a damaged record") {
    const std::string history = "00000003.history";
    const auto refused = refuse_before_asking(ticket(), after(true, false), history);
    REQUIRE(refused);
    CHECK(refused->kind == Kind::abort);
    CHECK(refused->cause == ExitCode::replay_failed);
    CHECK(refused->message ==
          "the replay ended before the last planned WAL segment 000000020000000000000009: a WAL record before it is "
          "damaged");
    CHECK(refused->hint ==
          "look at PostgreSQL's line about the record above; restore to a point before it with type lsn");

    CHECK_FALSE(refuse_before_asking(ticket(), after(false, false), history));
    // The histories on the way to the plan's timeline are read after the checkpoint's segment, by right.
    CHECK_FALSE(refuse_before_asking(ticket(), after(true, false), "00000002.history"));
    CHECK_FALSE(refuse_before_asking(ticket(), after(true, true), history));
    CHECK_FALSE(refuse_before_asking(with_target(), after(true, false), history));
    CHECK_FALSE(refuse_before_asking(ticket(), after(true, false), segment(2, 8)));
    CHECK(refuse_before_asking(ticket(), after(true, false, true), history));
}

TEST_CASE("a server that goes on behind the planned WAL has not ended before it") {
    for (const auto& [wanted, is_last] : std::map<std::string, bool>{{segment(1, 6), false},
                                                                     {segment(2, 8), false},
                                                                     {segment(2, 9), true},
                                                                     {segment(2, 10), true},
                                                                     {"00000003.history", false}}) {
        CAPTURE(wanted);
        ReplayState state;
        CHECK(note_delivery(ticket(), wanted, state.notes) == postgres::is_segment_name(wanted));
        CHECK(state.notes.served == postgres::is_segment_name(wanted));
        CHECK(state.notes.served_last == is_last);
        CHECK(refuse_before_asking(ticket(), state, "00000003.history").has_value() ==
              (state.notes.served && !is_last));
    }
    ReplayState state;
    CHECK(note_delivery(Ticket(), segment(1, 3), state.notes));
    CHECK_FALSE(state.notes.served_last);
}

TEST_CASE("a segment of another cluster is not given to PostgreSQL, planned or not") {
    for (const auto& wanted : {segment(2, 9), segment(2, 10)}) {
        for (const auto& one : {ticket(), with_target()}) {
            CAPTURE(wanted);
            CHECK(refused(one, wanted, first_page(0x9000000, 7)) ==
                  "the WAL segment that was delivered as " + wanted +
                      " is of another cluster: its system identifier is 7, and this cluster's is 7710953412442782829");
        }
    }
    const auto answer =
        refuse_other_wal(ticket(), segment(2, 9), first_page(0x9000000, 7), segment_size.bytes, control_of("8"));
    REQUIRE(answer);
    CHECK(answer->kind == Kind::abort);
    CHECK(answer->cause == ExitCode::pgbackrest_failed);
    CHECK(answer->lasts);
    CHECK(answer->hint == "look for who wrote it into the archive, and bring an intact copy of this cluster's back, or "
                          "restore to a point before it with type lsn");
}

TEST_CASE("WAL of another place is not given to PostgreSQL where the planned WAL goes on behind it") {
    const std::string other = "the WAL segment that was delivered as 000000020000000000000009 is the WAL of another "
                              "place: it begins at 0/3000000 instead of 0/9000000";
    CHECK(refused(ticket(), segment(2, 9), first_page(0x9000000)).empty());
    CHECK(refused(ticket(), segment(2, 9), first_page(0x3000000)) == other);
    // A file that was kept to be written to one day may be archived, and is the end of the WAL.
    CHECK(refused(ticket(), segment(2, 10), first_page(0x3000000)).empty());
    auto ended = ticket();
    ended.wal_end = postgres::Lsn{0x9000000};
    CHECK(refused(ended, segment(2, 9), first_page(0x3000000)).empty());
    ended.wal_end = postgres::Lsn{0x9000028};
    CHECK(refused(ended, segment(2, 9), first_page(0x3000000)) == other);
    // PostgreSQL itself ends such a recovery in an error.
    CHECK(refused(with_target(), segment(2, 9), first_page(0x3000000)).empty());
}

TEST_CASE("zeros are not given to PostgreSQL where the planned WAL goes on behind them") {
    const std::string zeros(40, '\0');
    CHECK(refused(ticket(), segment(2, 9), zeros) ==
          "the WAL segment that was delivered as 000000020000000000000009 is no WAL: it begins with zeros");
    CHECK(refused(ticket(), segment(2, 10), zeros).empty());
    CHECK(refused(with_target(), segment(2, 9), zeros).empty());
}

TEST_CASE("what PostgreSQL refuses by itself, or a later version wrote, is not judged") {
    const auto control = control_of("8");
    const auto judged = [&](const std::string& wanted, const std::string& page, std::uint64_t size) {
        return refuse_other_wal(ticket(), wanted, page, size, control).has_value();
    };
    CHECK(judged(segment(2, 9), first_page(0x9000000), segment_size.bytes));
    CHECK_FALSE(judged(segment(2, 9), first_page(0x9000000), 40));
    CHECK_FALSE(judged(segment(2, 9), std::string(40, '\1'), segment_size.bytes));
    CHECK_FALSE(judged("00000002.history", first_page(0x9000000), segment_size.bytes));
    CHECK_FALSE(refuse_other_wal(ticket(), segment(2, 9), first_page(0x9000000), segment_size.bytes, std::nullopt));
}

TEST_CASE("the startup process is not taken for another one where descriptors are missing to look") {
    system::Forked process([] {
        if (!system::leave_descriptors(0)) {
            return 99;
        }
        startup_process_from(::getppid());
        return 0;
    });
    CHECK(process.wait() == 11);
    CHECK(process.errors().ends_with("/stat: Too many open files\n"));
}

TEST_CASE("another startup process does not get again what must be replayed once") {
    Ticket ticket;
    ticket.scope = "demo";
    ticket.target = "latest";
    postgres::ControlFile control;
    control.redo = postgres::Lsn{0x5000};
    const OnlyOnce once{postgres::Lsn{0x6000}, "12 345"};
    CHECK_FALSE(refuse_second_time(ticket, std::nullopt, "13 346", control));
    CHECK_FALSE(refuse_second_time(ticket, once, "12 345", control));
    CHECK(refuse_second_time(ticket, once, "13 346", control)->cause == ExitCode::replay_failed);
    control.redo = postgres::Lsn{0x6001};
    CHECK_FALSE(refuse_second_time(ticket, once, "13 346", control));
}

TEST_CASE("a segment that is cut short is not given to a server that Patroni may start again as a standby") {
    const Files files;
    const auto file = files.write("RECOVERYXLOG", "short");
    auto cut = ticket();
    cut.recovery = Recovery::patroni;
    const auto look = [&](const std::string& wanted) {
        return refuse_delivered(cut, wanted, file, control_of("7710953412442782829"));
    };
    CHECK_FALSE(look(segment(2, 9)));  // the ticket of an older program
    cut.segment_size = segment_size;
    const auto answer = look(segment(2, 9));
    REQUIRE(answer);
    CHECK(answer->kind == Kind::abort);
    CHECK(answer->cause == ExitCode::pgbackrest_failed);
    CHECK(answer->message == "the WAL segment that was delivered as 000000020000000000000009 is cut short: it has 5 "
                             "bytes instead of 16777216");
    CHECK(answer->lasts);
    CHECK_FALSE(look(segment(2, 10)));  // not planned
    files.write("RECOVERYXLOG", first_page(0x9000000));
    std::filesystem::resize_file(file, segment_size.bytes - 1);
    CHECK(look(segment(2, 9)));
    std::filesystem::resize_file(file, segment_size.bytes);
    CHECK_FALSE(look(segment(2, 9)));
    std::filesystem::resize_file(file, 0);
    CHECK(look(segment(2, 9)));
    cut.recovery = Recovery::standalone;
    CHECK_FALSE(look(segment(2, 9)));  // PostgreSQL itself ends the recovery
}

TEST_CASE("a delivered segment that cannot be read does not pass unseen") {
    const Files files;
    const auto file = files.path("RECOVERYXLOG");
    const auto look = [&] { return refuse_delivered(ticket(), segment(2, 9), file, control_of("8")); };
    CHECK_FALSE(look());
    std::filesystem::create_symlink(file, file);
    const auto answer = look();
    REQUIRE(answer);
    CHECK(answer->kind == Kind::abort);
    CHECK(answer->cause == ExitCode::system_refused);
    CHECK(answer->message == "cannot read " + file.string() + ": Too many levels of symbolic links");
    CHECK_FALSE(answer->lasts);
    std::filesystem::remove(file);
    files.write("RECOVERYXLOG", "short");
    CHECK_FALSE(look());
}

TEST_CASE("what resume refused before its recovery was over is not replayed until its mark is removed") {
    const Restore restore;
    {
        StagingDirectory staging(restore.request);
        restore.copy(staging);
        hand_over(staging);
    }
    auto of_patroni = ticket();
    of_patroni.recovery = Recovery::patroni;
    CHECK_FALSE(refuse_rejected_directory(of_patroni, restore.data()));
    auto journal = Journal::read(choose_layout(restore.data()).journal()).value();
    journal.not_accepted = true;
    mark_rejected_directory(journal, restore.data());
    const auto mark = restore.data() / rejection_mark;
    const auto answer = refuse_rejected_directory(of_patroni, restore.data());
    REQUIRE(answer);
    CHECK(answer->kind == Kind::abort);
    CHECK(answer->cause == ExitCode::unsafe);
    CHECK(answer->message == restore.data().string() + " holds what " + mark.string() +
                                 " tells of, and Patroni did not accept it: the next start would promote it, or take "
                                 "it for a replica");
    CHECK(answer->hint == "if the data is right and no other node has it, remove " + mark.string() +
                              ", else move the data directory away");
    CHECK_FALSE(answer->lasts);
    CHECK_FALSE(refuse_rejected_directory(ticket(), restore.data()));  // the private server's
    std::filesystem::remove(mark);
    CHECK_FALSE(refuse_rejected_directory(of_patroni, restore.data()));
}
