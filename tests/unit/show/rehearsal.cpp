#include "show/rehearsal.hpp"

#include "request/target.hpp"
#include "support/catch.hpp"
#include "support/forked.hpp"
#include "support/requests.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>

using namespace patroni_pgbackrest;

namespace {

constexpr std::int64_t a_day = 86400;
constexpr std::int64_t now = 1'800'000'000;

/// 1 GiB in 100 s, 50 segments in 25 s.
Rehearsal green(std::int64_t at = now) {
    Rehearsal rehearsal;
    rehearsal.at = at;
    rehearsal.stanza = "demo";
    rehearsal.target = "latest";
    rehearsal.backup_set = "20261122-090000F";
    rehearsal.reached = "0/7000158 (no recovery target specified), new timeline 3";
    rehearsal.seconds = 130;
    rehearsal.phases = {{"plan", 1}, {"copy", 100}, {"replay", 25}, {"shutdown", 1}, {"checksums", 7}, {"sync", 3}};
    rehearsal.copied = 1ULL << 30;
    rehearsal.replayed = 50;
    rehearsal.window = "one time to the last commit at another";
    rehearsal.last_commit = at + 120;
    rehearsal.bytes_now = 2ULL << 30;
    rehearsal.segments_now = 100;
    return rehearsal;
}

Rehearsal red(std::int64_t at = now) {
    Rehearsal rehearsal;
    rehearsal.at = at;
    rehearsal.stanza = "demo";
    rehearsal.phase = "copy";
    rehearsal.exit_code = 5;
    rehearsal.message = "no such file";
    return rehearsal;
}

bool has(const std::string& text, const std::string& words) {
    return text.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("a restore to the latest point takes what its bytes and segments take at the measured rates") {
    const auto rehearsal = green();
    CHECK(std::lround(*rehearsal.copy_rate()) == std::lround((1ULL << 30) / 100.0));
    CHECK(std::lround(*rehearsal.replay_rate()) == 2);
    // 200 s for the copy, 50 s for the replay, 5 s for plan, shutdown and sync; nobody checks pages then.
    CHECK(std::lround(*rehearsal.projected()) == 255);
    auto without_replay = rehearsal;
    without_replay.replayed = 0;
    CHECK_FALSE(without_replay.replay_rate());
    CHECK_FALSE(without_replay.projected());
    without_replay.segments_now = 0;
    CHECK(std::lround(*without_replay.projected()) == 205);
    CHECK_FALSE(red().copy_rate());
    CHECK_FALSE(red().projected());
}

TEST_CASE("a rehearsal comes back from its line of the history as it was") {
    auto written = green();
    written.seed = 18446744073709551615ULL;
    written.not_archived = 3;
    written.examined = {"checksums", "dump of 3 databases"};
    written.warnings = {{"amcheck is missing", "make it"}};
    const auto line = written.to_json().dump();
    CHECK(line.find('\n') == std::string::npos);
    const auto read = Rehearsal::from_json(line);
    REQUIRE(read);
    CHECK(read->to_json() == written.to_json());
    CHECK(read->seed == written.seed);
    CHECK(read->phases == written.phases);
    CHECK_FALSE(Rehearsal::from_json(red().to_json().dump())->last_commit);
    CHECK_FALSE(Rehearsal::from_json("{}"));
    CHECK_FALSE(Rehearsal::from_json("half a li"));
    CHECK_FALSE(Rehearsal::from_json(R"({"at": "noon", "stanza": "demo", "exit_code": 0})"));
    CHECK_FALSE(Rehearsal::from_json(R"({"at": 1.76e58, "stanza": "demo", "exit_code": 0})"));
    CHECK_FALSE(Rehearsal::from_json(R"({"at": 1, "stanza": "demo", "exit_code": 0, "seed": -1})"));
    CHECK_FALSE(Rehearsal::from_json(R"({"at": 1, "stanza": "demo", "exit_code": 0, "copied_bytes": 0.5})"));
    CHECK(Rehearsal::from_json(R"({"at": 1, "stanza": "demo", "exit_code": 0})"));
}

TEST_CASE("the history keeps every rehearsal in a line, and passes over what is none") {
    const Files files;
    const auto file = files.path("rehearsals.jsonl");
    CHECK(read_rehearsals(file).empty());
    add_rehearsal(file, green(1));
    files.write("rehearsals.jsonl", files.read("rehearsals.jsonl") + "half a li");  // the disk got full
    add_rehearsal(file, red(2));
    const auto read = read_rehearsals(file);
    files.write("rehearsals.jsonl", files.read("rehearsals.jsonl") + "cut short by a full di");
    add_rehearsal(file, green(3));
    CHECK(read_rehearsals(file).size() == 3);
    REQUIRE(read.size() == 2);
    CHECK(read[0].is_done());
    CHECK(read[1].message == "no such file");
    CHECK(files.read("rehearsals.jsonl").find("\nhalf a li\n{") != std::string::npos);
    CHECK(files.read("rehearsals.jsonl").find("\n\n") == std::string::npos);
    CHECK(problems_of(ExitCode::system_refused, [&] { add_rehearsal(files.path("none/file"), green()); }).size() == 1);
}

TEST_CASE("a newer program's line of the history is passed over, and stays") {
    const Files files;
    const auto file = files.path("rehearsals.jsonl");
    const std::string newer = R"({"version": 2, "at": 1, "stanza": "demo", "exit_code": 0})"
                              "\n";
    files.write("rehearsals.jsonl", newer);
    add_rehearsal(file, green(2));
    const auto read = read_rehearsals(file);
    REQUIRE(read.size() == 1);
    CHECK(read.front().at == 2);
    CHECK(files.read("rehearsals.jsonl").find(newer) == 0);
}

TEST_CASE("a rehearsal that has left its note and is gone was killed") {
    const Files files;
    const auto history = files.path("rehearsals.jsonl");
    CHECK_FALSE(killed_rehearsal(history));
    RunStatus status;
    status.process = ProcessMark::of_this_process();
    status.stanza = "demo";
    status.target = "latest";
    status.started = now;
    status.updated = now + 60;
    status.phase.phase = "replay";
    status.phases = {{"plan", 1}, {"copy", 50}};
    write_status(status, note_of_rehearsal(history));
    CHECK_FALSE(killed_rehearsal(history));
    status.process.start_time += 1;
    write_status(status, note_of_rehearsal(history));
    const auto killed = killed_rehearsal(history);
    REQUIRE(killed);
    const auto told = rehearsal_of_killed(*killed);
    CHECK(told.at == now);
    CHECK(told.stanza == "demo");
    CHECK(told.target == "latest");
    CHECK(told.exit_code == static_cast<int>(ExitCode::terminated));
    CHECK(told.phase == "replay");
    CHECK(told.seconds_of("copy") == 50);
    CHECK(has(history_text({told}),
              "demo  failed (143)  in 1 min  to latest  it was killed, or its machine went down\n"));
    files.write("rehearsals.jsonl.running", "half a no");
    CHECK_FALSE(killed_rehearsal(history));
}

TEST_CASE("the history is kept in the user's own state directory") {
    const Files files;
    system::Forked process([&] {
        ::setenv("HOME", files.path().c_str(), 1);
        ::unsetenv("XDG_STATE_HOME");
        const bool at_home = usual_rehearsals_file() == files.path(".local/state/patroni_pgbackrest/rehearsals.jsonl");
        ::setenv("XDG_STATE_HOME", "/state", 1);
        return at_home && usual_rehearsals_file() == "/state/patroni_pgbackrest/rehearsals.jsonl" ? 0 : 1;
    });
    CHECK(process.wait() == 0);
}

TEST_CASE("a person is told what came of a rehearsal") {
    auto rehearsal = green();
    rehearsal.not_archived = 2;
    rehearsal.examined = {"checksums"};
    const auto text = rehearsal_text(rehearsal);
    for (const char* words : {"rehearsal  succeeded in 2 min 10 s\n", "target     latest\n",
                              "copy 1 min 40 s, replay 25 s", "copy 10.2 MiB/s, replay 2.0 WAL segments/s\n",
                              "examined   checksums\n", "lost now   what was committed in the last 10 s, since ",
                              "; 2 WAL segments of this node wait for the archive\n",
                              "recovery   about 4 min 15 s to the latest point (2.0 GiB, 100 WAL segments)\n"}) {
        CAPTURE(words);
        CHECK(has(text, words));
    }
    rehearsal.seed = 7;
    CHECK(has(rehearsal_text(rehearsal), "target     latest, random with seed 7\n"));
    CHECK(has(rehearsal_text(red()), "rehearsal  failed in the phase copy with exit code 5: no such file\n"));
    auto at_once = red();
    at_once.phase.clear();
    CHECK(has(rehearsal_text(at_once), "rehearsal  failed before its first phase with exit code 5: no such file\n"));
}

TEST_CASE("an auditor's page has what a rehearsal looked at, what would be lost, and how long a restore would take") {
    auto rehearsal = green();
    rehearsal.seed = 7;
    rehearsal.examined = {"3 probes", "checksums"};
    rehearsal.warnings.push_back({"no amcheck", "create extension amcheck"});
    const auto additions = page_additions(rehearsal);
    REQUIRE(additions.proof.size() == 6);
    CHECK(additions.proof[0] == std::pair<std::string, std::string>{"chosen by", "seed 7"});
    CHECK(additions.proof[1].second == "copy 10.2 MiB/s, replay 2.0 WAL segments/s");
    CHECK(additions.proof[2] == std::pair<std::string, std::string>{"examined", "3 probes, checksums"});
    CHECK(additions.proof[3] == std::pair<std::string, std::string>{"window", rehearsal.window});
    CHECK(additions.proof[4].second.starts_with("what was committed in the last 10 s, since "));
    CHECK(additions.proof[5].second == "about 4 min 15 s to the latest point (2.0 GiB, 100 WAL segments)");
    CHECK(additions.warnings == rehearsal.warnings);
    CHECK(page_additions(red()).proof.empty());
}

TEST_CASE("what a rehearsal's words are from cannot move a terminal's cursor, nor make lines") {
    auto rehearsal = red();
    rehearsal.message = "psql said:\nno\x1B[2J";
    CHECK(has(rehearsal_text(rehearsal), "with exit code 5: psql said: no [2J\n"));
    CHECK(has(history_text({rehearsal}), "in 0 s  psql said: no [2J\n"));
}

TEST_CASE("the history tells how the last rehearsal compares with those before it") {
    CHECK(history_text({}) == "no rehearsal is known\n");
    CHECK_FALSE(has(history_text({green()}), "trend"));
    auto slower = green(now + a_day);
    slower.phases[1].second = 200;
    const auto text = history_text({green(), red(now + 1), slower});
    CHECK(has(text, "demo  succeeded  in 2 min 10 s  to latest  copy 10.2 MiB/s  replay 2.0 segments/s"));
    CHECK(has(text, "demo  failed (5)  in 0 s  no such file\n"));
    CHECK(has(text, "trend: copied bytes a second: 50 % less than the median of the 1 before\n"));
    CHECK(has(text, "trend: replayed segments a second: 0 % more than the median of the 1 before\n"));
}

TEST_CASE("a month without a rehearsal that succeeded is a finding") {
    CHECK(review_rehearsals({green(now - 29 * a_day)}, "demo", now).empty());
    const auto never = review_rehearsals({green(now)}, "other", now);
    REQUIRE(never.size() == 1);
    CHECK(never[0].id == "no-rehearsal");
    CHECK(never[0].problem.message == "no rehearsal of stanza other has succeeded yet");
    const auto long_ago = review_rehearsals({green(now - 30 * a_day), red()}, "demo", now);
    REQUIRE(long_ago.size() == 1);
    CHECK(long_ago[0].problem.message == "the last rehearsal of stanza demo that succeeded was 30 days ago, and the "
                                         "last one ended with 5: no such file");
    CHECK(review_rehearsals({green(), red()}, "demo", now).empty());
    CHECK(review_rehearsals({green(now + a_day - 1)}, "demo", now).empty());
    const auto to_come = review_rehearsals({green(now - 31 * a_day), green(now + a_day)}, "demo", now);
    REQUIRE(to_come.size() == 1);
    CHECK(to_come[0].problem.message == "the last rehearsal of stanza demo that succeeded was 31 days ago; one is of " +
                                            instant(now + a_day) + ", which this clock says is to come");
    CHECK(review_rehearsals({green(now + a_day), green()}, "demo", now).empty());
    auto of_old_target = green();
    of_old_target.bytes_now = 0;
    const auto latest_unknown = review_rehearsals({of_old_target}, "demo", now);
    REQUIRE(latest_unknown.size() == 1);
    CHECK(latest_unknown[0].problem.message == "no rehearsal of stanza demo has succeeded yet, and the last one could "
                                               "not plan a restore to the latest point");
}
