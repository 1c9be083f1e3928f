#include "show/status.hpp"

#include "support/catch.hpp"
#include "support/requests.hpp"

#include <nlohmann/json.hpp>

using namespace patroni_pgbackrest;
using State = RunStatus::State;
using nlohmann::json;

namespace {

constexpr std::int64_t begin = 1795330800;  // 2026-11-22 08:20:00+00 and some

RunStatus replaying() {
    RunStatus status;
    status.process = {4711, 99, "this boot", "pid:[1]"};
    status.scope = "prod";
    status.stanza = "demo";
    status.data_directory = "/data";
    status.target = "the latest point";
    status.started = begin;
    status.updated = begin + 100;
    status.plan = {"20261122-090000F", 1, 2, "standalone", 200, "000000010000000000000005", "0000000200000000000000CC"};
    status.phase.phase = "replay";
    status.phase.unit = Unit::segments;
    status.phase.done = 90;
    status.phase.planned = 200;
    status.phase.percent = 45;
    status.phase.rate = 3.25;
    status.phase.left = std::chrono::seconds(35);
    status.phase.lasts = std::chrono::seconds(28);
    status.position = "at 0/5A000000";
    status.phases = {{"plan", 1.2}, {"copy", 123.4}};
    return status;
}

StatusSurroundings seen_now(bool alive) {
    StatusSurroundings seen;
    seen.here = {1, 1, "this boot", "pid:[1]"};
    seen.process_is_alive = alive;
    seen.now = begin + 103;
    return seen;
}

Journal handed_over_journal() {
    Journal journal;
    journal.scope = "prod";
    journal.phase = Phase::handed_over;
    journal.handed_over = HandedOver{.inode = 1, .at = begin + 200};
    journal.goal = RestoreGoal{};
    journal.reached = Reached{postgres::Timeline{3}, postgres::Lsn{0x7000158}, "no recovery target specified", {}};
    return journal;
}

State state_of(const RunStatus& written, const StatusSurroundings& seen) {
    return judge_status(written, seen).state;
}

}  // namespace

TEST_CASE("a run whose process lives is what it says; one whose process is gone was interrupted") {
    CHECK(state_of(replaying(), seen_now(true)) == State::running);
    CHECK(state_of(replaying(), seen_now(false)) == State::interrupted);
    CHECK(judge_status(replaying(), seen_now(true)).phase.left);
    CHECK_FALSE(judge_status(replaying(), seen_now(false)).phase.left);
    auto waiting = replaying();
    waiting.state = State::waiting;
    CHECK(state_of(waiting, seen_now(true)) == State::waiting);
    CHECK(state_of(waiting, seen_now(false)) == State::interrupted);
    auto failed = replaying();
    failed.state = State::failed;
    CHECK(state_of(failed, seen_now(false)) == State::failed);
    auto seen = seen_now(true);
    seen.here.boot = "another";
    CHECK(state_of(replaying(), seen) == State::interrupted);
}

TEST_CASE("a process of another container lives for as long as its lock is held") {
    auto seen = seen_now(false);
    seen.here.pid_namespace = "pid:[2]";
    auto written = replaying();
    written.process.has_lock = true;
    CHECK(state_of(written, seen) == State::interrupted);
    seen.is_locked = true;
    seen.now = begin + 3600;
    CHECK(state_of(written, seen) == State::running);
}

TEST_CASE("where no lock can be had a process of another container counts as alive for as long as it writes") {
    auto seen = seen_now(false);
    seen.here.pid_namespace = "pid:[2]";
    seen.is_locked = true;  // somebody's
    CHECK(state_of(replaying(), seen) == State::running);
    seen.now = begin + 161;
    CHECK(state_of(replaying(), seen) == State::interrupted);
}

TEST_CASE("a hand-over that resume has finished is done, and tells what was reached") {
    auto seen = seen_now(false);
    seen.journal = handed_over_journal();
    const auto status = judge_status(replaying(), seen);
    CHECK(status.state == State::done);
    CHECK(status.reached == "0/7000158 (no recovery target specified), new timeline 3");
    CHECK(status.updated == begin + 200);
    auto failed = replaying();
    failed.state = State::failed;
    failed.last_error = RunStatus::Error{11, "cannot rename", "see why", begin + 100};
    const auto finished = judge_status(failed, seen);
    CHECK(finished.state == State::done);
    CHECK_FALSE(finished.last_error);
    failed.updated = begin + 201;  // another run, since
    CHECK(state_of(failed, seen) == State::failed);
    seen.journal->planning = BootstrapCall{};
    CHECK(state_of(replaying(), seen) == State::interrupted);
}

TEST_CASE("of a run that was killed, nothing has to be changed for the next try, whatever it had met before") {
    auto written = replaying();
    CHECK_FALSE(judge_status(written, seen_now(false)).next_try);
    written.last_error = RunStatus::Error{0, "away", "", begin};
    CHECK_FALSE(judge_status(written, seen_now(true)).next_try);
    const auto killed = judge_status(written, seen_now(false));
    CHECK(status_text(killed, begin + 103).ends_with("error      away\nnext try   with the next bootstrap, at once\n"));
    written.state = State::waiting;
    written.next_try = begin + 150;
    CHECK(status_text(judge_status(written, seen_now(false)), begin + 103)
              .ends_with("\nnext try   with the next bootstrap, which waits until " + instant(begin + 150) +
                         " at most\n"));
}

TEST_CASE("without a status file the journal tells of a restore that was handed over, and of nothing else") {
    auto seen = seen_now(false);
    CHECK(judge_status(std::nullopt, seen).state == State::none);
    seen.journal = handed_over_journal();
    const auto status = judge_status(std::nullopt, seen);
    CHECK(status.state == State::done);
    CHECK(status.scope == "prod");
    CHECK(status.updated == begin + 200);
    CHECK(exit_code_of(status) == ExitCode::done);
    seen.journal->phase = Phase::copied;
    CHECK(judge_status(std::nullopt, seen).state == State::none);
}

TEST_CASE("what verify rejected is a failure") {
    auto seen = seen_now(false);
    seen.journal = handed_over_journal();
    seen.journal->rejected = Rejection{"a probe is false", "look at it", 0, begin + 230};
    auto written = replaying();
    written.state = State::done;
    const auto status = judge_status(written, seen);
    CHECK(status.state == State::failed);
    CHECK(status.phase.phase == "verify");
    CHECK(status.last_error->message == "a probe is false");
    CHECK_FALSE(status.next_try);
    CHECK(status_text(status, begin + 240)
              .starts_with("restore    failed in the phase verify at " + instant(begin + 230) + " (10 s ago)\n"));
    CHECK(exit_code_of(status) == ExitCode::verification_failed);
}

TEST_CASE("monitoring is told the restore's own exit code") {
    auto status = replaying();
    CHECK(exit_code_of(status) == ExitCode::done);
    status.state = State::waiting;
    status.last_error = RunStatus::Error{0, "away", "", begin};
    CHECK(exit_code_of(status) == ExitCode::done);
    status.state = State::interrupted;
    CHECK(exit_code_of(status) == ExitCode::terminated);
    status.last_error = RunStatus::Error{130, "ended by SIGINT", "run it again", begin};
    CHECK(exit_code_of(status) == ExitCode::interrupted);
    status.state = State::failed;
    status.last_error->exit_code = 7;
    CHECK(exit_code_of(status) == ExitCode::replay_failed);
    status.last_error->exit_code = 0;
    CHECK(exit_code_of(status) == ExitCode::internal_error);
}

TEST_CASE("a status file is read as it was written") {
    auto status = replaying();
    status.waits_for = "pgbackrest restore";
    status.last_error = RunStatus::Error{6, "away", "bring it back", begin + 5};
    status.next_try = begin + 60;
    status.reached_time = begin - 7;
    status.process.has_lock = true;
    status.window_end = begin - 5;
    status.plan->backup_size = 4096;
    status.members = std::vector<std::string>{"node1", "node2"};
    status.leader = "node2";
    const auto text = status.to_json();
    const auto again = RunStatus::from_json(text);
    REQUIRE(again);
    CHECK(again->to_json() == text);
    CHECK(again->process.pid == 4711);
    CHECK(again->process.has_lock);
    CHECK(again->phase.left == std::chrono::seconds(35));
    CHECK(again->started == begin);
    CHECK(again->next_try == begin + 60);
    CHECK(again->reached_time == begin - 7);
    CHECK(again->window_end == begin - 5);
    CHECK(again->plan->backup_size == 4096);
    CHECK(again->members == std::vector<std::string>{"node1", "node2"});
    CHECK(again->leader == "node2");
    CHECK(RunStatus::from_json(RunStatus().to_json())->to_json() == RunStatus().to_json());
    const auto line = status.to_json(true);
    CHECK(line.find('\n') == line.size() - 1);
}

TEST_CASE("what is no status, or a later program's, tells nothing") {
    CHECK_FALSE(RunStatus::from_json(""));
    CHECK_FALSE(RunStatus::from_json("{}"));
    CHECK_FALSE(RunStatus::from_json("[1]"));
    auto later = json::parse(replaying().to_json());
    later["schema"] = 2;
    CHECK_FALSE(RunStatus::from_json(later.dump()));
    auto unknown = json::parse(replaying().to_json());
    unknown["state"] = "asleep";
    CHECK_FALSE(RunStatus::from_json(unknown.dump()));
    auto damaged = json::parse(replaying().to_json());
    damaged["phase"]["done"] = "much";
    CHECK_FALSE(RunStatus::from_json(damaged.dump()));
    for (const auto& number : {json(1.76e58), json(-1), json(0.5)}) {
        CAPTURE(number.dump());
        for (const char* place : {"/phase/done", "/plan/timeline", "/process/start_time"}) {
            CAPTURE(place);
            auto status = json::parse(replaying().to_json());
            status[json::json_pointer(place)] = number;
            CHECK_FALSE(RunStatus::from_json(status.dump()));
        }
    }
}

TEST_CASE("a status file replaces the one before, and leaves nothing else") {
    const Files files;
    const auto file = files.path("status.json");
    write_status(replaying(), file);
    auto later = replaying();
    later.updated += 1;
    write_status(later, file);
    CHECK(files.read("status.json") == later.to_json());
    CHECK(system::entries(files.path()) == std::vector<std::string>{"status.json"});
    CHECK(problems_of(ExitCode::system_refused, [&] { write_status(later, files.path("away/status.json")); })
              .front()
              .message == "cannot write " + files.path("away/status.json").string() + ": No such file or directory");
    std::filesystem::create_directory(files.path("status.json.new"));
    CHECK(problems_of(ExitCode::system_refused, [&] { write_status(replaying(), file); }).size() == 1);
    CHECK(files.read("status.json") == later.to_json());
}

TEST_CASE("a person reads what runs") {
    CHECK(status_text(replaying(), begin + 103) ==
          "restore    running, in the phase replay\n"
          "progress   replay: 45 %, 90 of 200 WAL segments, at 0/5A000000, 3.2 segments/s, 35 s left\n"
          "target     the latest point\n"
          "plan       backup set 20261122-090000F of repository 1, timeline 2, 200 WAL segments, standalone mode\n"
          "directory  /data\n"
          "started    " +
              instant(begin) +
              " (1 min 43 s ago)\n"
              "phases     plan 1 s, copy 2 min 3 s\n");
}

TEST_CASE("a person reads who is a member of the cluster, once the DCS has told") {
    auto status = replaying();
    const auto line = [&] {
        const auto text = status_text(status, begin + 103);
        const auto at = text.find("members ");
        return at == std::string::npos ? std::string() : text.substr(at, text.find('\n', at) - at);
    };
    CHECK(line().empty());
    status.members = std::vector<std::string>{"node1", "node2"};
    CHECK(line() == "members    node1, node2; nobody leads");
    status.leader = "node2";
    CHECK(line() == "members    node1, node2; node2 leads");
    status.members->clear();
    status.leader.clear();
    CHECK(line() == "members    none in the DCS; nobody leads");
}

TEST_CASE("a person reads that patroni mode hands over what is not replayed yet") {
    auto status = replaying();
    status.state = State::done;
    const auto done = "restore    done at " + instant(begin + 100) + " (3 s ago)";
    CHECK(status_text(status, begin + 103).starts_with(done + "\n"));
    status.plan->recovery = "patroni";
    CHECK(status_text(status, begin + 103)
              .starts_with(done + "; the WAL is left to Patroni's PostgreSQL, whose log tells of its replay\n"));
}

TEST_CASE("a person reads since when nothing was told by a run that lives") {
    const auto first_line = [](const RunStatus& status) {
        const auto text = status_text(status, begin + 161);
        return text.substr(0, text.find('\n'));
    };
    auto status = replaying();
    const auto told = "; it told so at " + instant(begin + 100) + " (1 min 1 s ago)";
    CHECK(first_line(status) == "restore    running, in the phase replay" + told);
    status.state = State::waiting;
    CHECK(first_line(status) == "restore    waiting in the phase replay" + told);
    CHECK(is_silent(status, begin + 161));
    status.updated = begin + 101;
    CHECK(first_line(status) == "restore    waiting in the phase replay");
    CHECK_FALSE(is_silent(status, begin + 161));
    status.state = State::done;
    CHECK_FALSE(is_silent(status, begin + 1000));
}

TEST_CASE("a person reads of resume only where resume may go on") {
    auto seen = seen_now(false);
    const auto kept_for = [&](const RunStatus& written) {
        const auto text = status_text(judge_status(written, seen), begin + 103);
        return text.substr(text.find("is kept for "), text.find('\n') - text.find("is kept for "));
    };
    auto status = replaying();
    CHECK(kept_for(status) == "is kept for resume or the next bootstrap");
    status.plan->recovery = "patroni";
    CHECK(kept_for(status) == "is kept for the next bootstrap");
    status.target = RecoveryTarget{}.text();
    CHECK(kept_for(status) == "is kept for resume or the next bootstrap");
    seen.journal = Journal{};
    CHECK(kept_for(status) == "is kept for resume or the next bootstrap");
    seen.journal->given_up = true;
    CHECK(kept_for(status) == "is kept for the next bootstrap");
}

TEST_CASE("a person and a program read what is left behind") {
    auto status = replaying();
    CHECK(nlohmann::json::parse(status.to_json()).at("left_behind").is_null());
    status.left_behind = Problem{"a clone is left", "run rm -r it"};
    CHECK(status_text(status, begin).ends_with("left       a clone is left\nhint       run rm -r it\n"));
    CHECK(nlohmann::json::parse(status.to_json()).at("left_behind") ==
          json{{"message", "a clone is left"}, {"hint", "run rm -r it"}});
}

TEST_CASE("what a status file says cannot move a terminal's cursor, nor make lines") {
    auto status = replaying();
    status.target = "name \033[2Jx\ny\xC2\x9B\x32J";
    CHECK(status_text(status, begin).find("\ntarget     name  [2Jx y 2J\n") != std::string::npos);
}

TEST_CASE("a person reads that a run was interrupted, that it failed, and what happens next") {
    auto status = replaying();
    status.plan.reset();
    status.phases.clear();
    status.state = State::interrupted;
    const auto first_line = [&] {
        const auto text = status_text(status, begin + 160);
        return text.substr(0, text.find('\n'));
    };
    CHECK(first_line() == "restore    interrupted in the phase replay at 45 %, last seen at " + instant(begin + 100) +
                              " (1 min ago); what was copied is kept for resume or the next bootstrap");
    status.state = State::failed;
    status.last_error = RunStatus::Error{6, "the repository is away", "bring it back", begin + 100};
    status.next_try = begin + 300;
    CHECK(status_text(status, begin + 160) ==
          "restore    failed in the phase replay at 45 % at " + instant(begin + 100) +
              " (1 min ago)\n"
              "progress   replay: 45 %, 90 of 200 WAL segments, at 0/5A000000, 3.2 segments/s, 35 s left\n"
              "target     the latest point\n"
              "directory  /data\n"
              "error      the repository is away (exit code 6, repository or DCS unreachable)\n"
              "hint       bring it back\n"
              "next try   with the next bootstrap, not before " +
              instant(begin + 300) + "\n");
    const auto next_try = [&] {
        const auto text = status_text(status, begin + 160);
        return text.substr(text.find("next try") + 11);
    };
    status.next_try = begin;
    CHECK(next_try() == "with the next bootstrap, at once\n");
    status.next_try.reset();
    CHECK(next_try() == "when somebody has changed what the error names\n");
    status.state = State::waiting;
    status.next_try = begin + 170;
    CHECK(next_try() == "at " + instant(begin + 170) + "\n");
    CHECK(first_line() == "restore    waiting in the phase replay");
    status.state = State::running;
    CHECK(status_text(status, begin + 160)
              .ends_with("directory  /data\n"
                         "last error the repository is away (exit code 6, repository or DCS "
                         "unreachable)\n"
                         "hint       bring it back\n"));
    CHECK(status_text(judge_status(std::nullopt, seen_now(false)), begin) == "restore    none is known\n");
}
