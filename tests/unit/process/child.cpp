#include "process/child.hpp"

#include "process/process_tree.hpp"
#include "shell.hpp"
#include "support/forked.hpp"
#include "system/failure.hpp"
#include "system/interruption.hpp"
#include "system/text.hpp"

#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <unistd.h>

namespace patroni_pgbackrest::process {

using system::Forked;
using system::is_alive;
using system::pid_in;
using system::PrivateDirectory;
using system::write_file;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("what a child did is told as it was") {
    CHECK(succeeded(capture(shell("exit 0")).outcome));
    CHECK(outcome_of(shell("exit 0")) == "exited with code 0");
    CHECK(outcome_of(shell("exit 3")) == "exited with code 3");
    CHECK(outcome_of(shell("kill -9 $$")) == "was killed by signal 9");
    CHECK(outcome_of({"no-such-program"}) == "could not be started: No such file or directory");
    CHECK(outcome_of({"/nowhere/program"}) == "could not be started: No such file or directory");
    CHECK(outcome_of({"/etc/passwd"}) == "could not be started: Permission denied");
    CHECK(outcome_of({"true", {}, "/nowhere"}) == "could not be started: /nowhere: No such file or directory");
    CHECK(describe(Stalled{}) == "made no progress and was ended");
    CHECK_FALSE(succeeded(Exited{3}));
    CHECK_FALSE(succeeded(NotStarted{"x"}));
}

TEST_CASE("lines come one by one, the last one without a line break too") {
    CHECK(lines_of(shell("printf 'a\\n\\nb'")) == Names{"a", "", "b"});
    CHECK(lines_of(shell("printf ''")).empty());
    CHECK(lines_of(shell("printf a; sleep 0.1; printf 'b\\nc'")) == Names{"ab", "c"});
}

TEST_CASE("a line longer than 64 KiB comes in parts") {
    const Names parts = lines_of(shell("head -c 150000 /dev/zero | tr '\\0' x; echo; echo y"));
    REQUIRE(parts.size() == 4);
    CHECK(parts[0].size() == 65536);
    CHECK(parts[1].size() == 65536);
    CHECK(parts[2].size() == 150000 - 2 * 65536);
    CHECK(parts[3] == "y");
}

TEST_CASE("a line of exactly 64 KiB is one line") {
    const Names all = lines_of(shell("head -c 65536 /dev/zero | tr '\\0' x; echo; echo y"));
    REQUIRE(all.size() == 2);
    CHECK(all[0].size() == 65536);
    CHECK(all[1] == "y");
}

TEST_CASE("both pipes are read while the child writes 10 MB to each") {
    const std::string ten_megabytes = "head -c 10000000 /dev/zero | tr '\\0' x | fold -w 99";
    std::size_t output = 0, errors = 0;
    const Outcome outcome = run(
        shell(ten_megabytes + " & " + ten_megabytes + " >&2; wait"),
        [&](std::string_view line) { output += line.size(); }, [&](std::string_view line) { errors += line.size(); });
    CHECK(succeeded(outcome));
    CHECK(output == 10'000'000);
    CHECK(errors == 10'000'000);
}

TEST_CASE("capture keeps both streams as they are, very long lines whole") {
    const Captured captured = capture(shell("head -c 3000000 /dev/zero | tr '\\0' x; echo; printf 'e\\n\\n' >&2"));
    CHECK(succeeded(captured.outcome));
    CHECK(captured.output == std::string(3'000'000, 'x') + "\n");
    CHECK(captured.errors == "e\n\n");
}

TEST_CASE("capture ends what takes too long") {
    const auto begin = Clock::now();
    const Captured captured = capture(shell("echo begun; exec sleep 100"), seconds(1));
    CHECK(std::holds_alternative<Stalled>(captured.outcome));
    CHECK(captured.output == "begun\n");
    CHECK(Clock::now() - begin < seconds(4));
}

TEST_CASE("what reads a file may take long for as long as it works") {
    const auto slow = capture_while_it_works(
        shell("printf begun; timeout 4 sh -c 'while :; do :; done'; echo ' and done'; exit 3"), seconds(2));
    CHECK(describe(slow.outcome) == "exited with code 3");
    CHECK(slow.output == "begun and done\n");
    const auto begin = Clock::now();
    const auto stalled = capture_while_it_works(shell("echo begun; echo why >&2; exec sleep 100"), seconds(2));
    CHECK(std::holds_alternative<Stalled>(stalled.outcome));
    CHECK(stalled.output == "begun\n");
    CHECK(stalled.errors == "why\n");
    CHECK(Clock::now() - begin < seconds(8));
}

TEST_CASE("what reads a file while something else is done may take long as well for as long as it works") {
    Capturing slow(shell("timeout 4 sh -c 'while :; do :; done'; exit 3"), seconds(2), Capturing::Limits::standstill);
    CHECK(describe(slow.result().outcome) == "exited with code 3");
    const auto begin = Clock::now();
    Capturing stalled(shell("exec sleep 100"), seconds(2), Capturing::Limits::standstill);
    CHECK(std::holds_alternative<Stalled>(stalled.result().outcome));
    CHECK(Clock::now() - begin < seconds(6));
}

TEST_CASE("several commands run at once and answer in their order") {
    std::vector<Command> commands;
    for (int i = 0; i < 12; ++i) {
        commands.push_back(shell("sleep 0." + std::to_string(12 - i) + "; echo " + std::to_string(i)));
    }
    commands.push_back({"no-such-program"});
    const auto begin = Clock::now();
    const std::vector<Captured> results = capture_all(commands);
    CHECK(Clock::now() - begin < seconds(4));
    REQUIRE(results.size() == 13);
    for (std::size_t i = 0; i < 12; ++i) {
        CHECK(results[i].output == std::to_string(i) + "\n");
    }
    CHECK(std::holds_alternative<NotStarted>(results[12].outcome));
    CHECK(capture_all({}).empty());
}

TEST_CASE("a command is stalled when neither lines nor work come from it") {
    const auto begin = Clock::now();
    const Outcome outcome = run(shell("sleep 100 & sleep 100"), {}, {}, seconds(2));
    CHECK(std::holds_alternative<Stalled>(outcome));
    CHECK(Clock::now() - begin >= seconds(2));
    CHECK(Clock::now() - begin < seconds(8));
}

TEST_CASE("what watches ends a command that says nothing, where it is waited for") {
    const system::PrivateDirectory directory;
    const auto full = directory.path() / "full";
    const auto begin = Clock::now();
    {
        const interruption::Watching watching([&] {
            if (std::filesystem::exists(full)) {
                throw Failure(ExitCode::system_refused, "the disk is full", "make room");
            }
        });
        CHECK(succeeded(run(shell("sleep 0.3"), {}, {})));
        CHECK_THROWS_WITH(run(shell("echo $$ >" + (directory.path() / "pid").string() + "; touch " + full.string() +
                                    "; exec sleep 100"),
                              {}, {}),
                          "the disk is full");
        CHECK_THROWS_WITH(interruption::sleep(seconds(10)), "the disk is full");
    }
    CHECK(Clock::now() - begin < seconds(8));
    CHECK_FALSE(system::is_alive(system::pid_in(directory.path() / "pid")));
    CHECK_NOTHROW(interruption::sleep(milliseconds(300)));
}

TEST_CASE("a silent command whose descendant works is not stalled, nor one that prints") {
    CHECK(succeeded(run(shell("setsid timeout 4 sh -c 'while :; do :; done'; exit 0"), {}, {}, seconds(2))));
    CHECK(succeeded(run(shell("for i in 1 2 3 4; do sleep 0.8; echo $i; done"), {}, {}, seconds(2))));
}

TEST_CASE("a descendant that keeps the pipes open does not hold its parent's outcome back") {
    const auto begin = Clock::now();
    const Captured captured = capture(shell("echo $$; sleep 100 & echo $!; exit 3"));
    CHECK(describe(captured.outcome) == "exited with code 3");
    CHECK(Clock::now() - begin < seconds(4));
    const Names pids = system::lines(captured.output);
    REQUIRE(pids.size() == 2);
    // It lives on, as PostgreSQL's and pgBackRest's background processes may; here it has served.
    const auto background = static_cast<pid_t>(system::number(pids[1]).value());
    CHECK(system::is_alive(background));
    ::kill(background, SIGKILL);
}

TEST_CASE("waiting ends after the time given, and goes on") {
    Child child(shell("sleep 0.5; exit 4"), {}, {});
    CHECK_FALSE(child.wait(milliseconds(10)).has_value());
    CHECK_FALSE(child.outcome().has_value());
    CHECK(describe(child.wait(seconds(10)).value()) == "exited with code 4");
    CHECK(describe(child.outcome().value()) == "exited with code 4");
    child.signal(SIGTERM);  // to nobody
    child.end(SIGTERM, seconds(1));
    CHECK(child.activity() == 0);
}

TEST_CASE("waiting for an event ends with it, whosever it is") {
    Child child(shell("exec sleep 100"), {}, {});
    boost::asio::steady_timer timer(interruption::event_loop(), milliseconds(50));
    bool rang = false;
    timer.async_wait([&](const auto&) { rang = true; });
    const auto begin = Clock::now();
    while (!rang) {
        CHECK_FALSE(child.wait_for_event(seconds(5)).has_value());
    }
    CHECK(Clock::now() - begin < seconds(4));
    child.signal(SIGTERM);
    while (!child.outcome()) {
        child.wait_for_event(seconds(5));
    }
    CHECK(describe(*child.outcome()) == "was killed by signal 15");
    CHECK(child.wait_for_event(seconds(5)).has_value());
    CHECK(Clock::now() - begin < seconds(4));
}

TEST_CASE("a command whose output is kept may be looked at while others are waited for, and told to end") {
    Capturing one(shell("echo words; exec sleep 100"));
    CHECK_FALSE(one.has_ended());
    Child other(shell("sleep 0.2"), {}, {});
    other.wait(seconds(10));
    CHECK_FALSE(one.has_ended());
    one.signal(SIGTERM);
    CHECK(one.result().output == "words\n");
    CHECK(one.has_ended());
    CHECK(describe(one.result().outcome) == "was killed by signal 15");
    one.signal(SIGTERM);  // to nobody
    Capturing none(Command{"no-such-program"});
    CHECK(none.has_ended());
    none.signal(SIGTERM);
}

TEST_CASE("a signal goes to the whole group") {
    const system::PrivateDirectory directory;
    Child child(shell("sleep 100 & echo $! > " + (directory.path() / "pid").string() + "; wait"), {}, {});
    const pid_t grandchild = system::pid_in(directory.path() / "pid");
    child.signal(SIGTERM);
    CHECK(describe(child.wait(seconds(10)).value()) == "was killed by signal 15");
    CHECK(system::eventually([&] { return !system::is_alive(grandchild); }));
}

TEST_CASE("a child that ignores SIGTERM is killed after the grace") {
    const system::PrivateDirectory directory;
    const auto ready = directory.path() / "ready";
    Child child(shell("trap '' TERM; echo $$ > " + ready.string() + "; while :; do sleep 0.1; done"), {}, {});
    system::pid_in(ready);
    const auto begin = Clock::now();
    child.end(SIGTERM, milliseconds(300));
    CHECK(describe(child.outcome().value()) == "was killed by signal 9");
    CHECK(Clock::now() - begin >= milliseconds(300));
    CHECK(Clock::now() - begin < seconds(2));
}

TEST_CASE("the owner chooses the first signal, and the last words are still read") {
    const system::PrivateDirectory directory;
    const auto ready = directory.path() / "ready";
    Names words;
    Child child(
        shell("trap 'echo shut down; exit 5' INT; echo $$ > " + ready.string() + "; while :; do sleep 0.1; done"),
        [&](std::string_view line) { words.emplace_back(line); }, {}, SIGINT);
    system::pid_in(ready);
    child.end(SIGINT, seconds(5));
    CHECK(describe(child.outcome().value()) == "exited with code 5");
    CHECK(words == Names{"shut down"});
}

TEST_CASE("a callback may throw, and the child is ended") {
    const auto begin = Clock::now();
    CHECK_THROWS_AS(run(shell("echo x; exec sleep 100"), [](std::string_view) { throw std::runtime_error("x"); }, {}),
                    std::runtime_error);
    CHECK(Clock::now() - begin < seconds(3));
}

TEST_CASE("an interruption ends the whole tree of a running command within 5 s") {
    const PrivateDirectory directory;
    const auto file = [&](const char* name) { return (directory.path() / name).string(); };
    const std::string script = "trap '' TERM; echo $$ > " + file("child") +
                               "; setsid sh -c 'trap \"\" TERM; echo $$ > " + file("session") +
                               "; while :; do sleep 0.1; done' & while :; do sleep 0.1; done";
    const bool by_capture = GENERATE(false, true);
    Forked process([&] {
        interruption::install();
        adopt_orphans();
        const Command command{"sh", {"-c", script}};
        if (by_capture) {
            capture_all({command, {"sleep", {"100"}}});
        } else {
            run(command, {}, {});
        }
        return 0;
    });
    const pid_t child = pid_in(file("child"));
    const pid_t session = pid_in(file("session"));
    const auto begin = Clock::now();
    ::kill(process.pid(), SIGTERM);
    CHECK(process.wait() == 143);
    CHECK(Clock::now() - begin < seconds(5));
    CHECK(process.errors() == "ended by SIGTERM\n");
    CHECK_FALSE(is_alive(child));
    CHECK_FALSE(is_alive(session));
}

TEST_CASE("a child that obeys ends at once, and its last words are read") {
    const PrivateDirectory directory;
    const auto ready = directory.path() / "ready";
    const auto words = directory.path() / "words";
    const std::string script =
        "trap 'echo terminated; exit 63' TERM; echo $$ > " + ready.string() + "; while :; do sleep 0.1; done";
    Forked process([&] {
        interruption::install();
        run({"sh", {"-c", script}}, [&](std::string_view line) { write_file(words, std::string(line)); }, {});
        return 0;
    });
    pid_in(ready);
    const auto begin = Clock::now();
    ::kill(process.pid(), SIGTERM);
    CHECK(process.wait() == 143);
    CHECK(Clock::now() - begin < seconds(2));
    CHECK(system::read_file_if_present(words) == "terminated");
}

}  // namespace patroni_pgbackrest::process
