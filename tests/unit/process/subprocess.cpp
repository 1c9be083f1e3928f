#include "process/subprocess.hpp"

#include "process/process_tree.hpp"
#include "support/catch.hpp"
#include "support/forked.hpp"
#include "system/lock.hpp"
#include "system/text.hpp"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace patroni_pgbackrest::process {

using Names = std::vector<std::string>;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

Command shell(const std::string& script) {
    return {"sh", {"-c", script}};
}

std::string outcome_of(const Command& command) {
    return describe(capture(command).outcome);
}

Names lines_of(const Command& command) {
    Names all;
    CHECK(succeeded(run(command, [&](std::string_view line) { all.emplace_back(line); }, {})));
    return all;
}

}  // namespace

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

TEST_CASE("a file without a format is not started, and no zombie is left") {
    const system::PrivateDirectory directory;
    const auto file = directory.path() / "program";
    system::write_file(file, "not a program");
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    CHECK(outcome_of({file.string()}) == "could not be started: Exec format error");
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
}

TEST_CASE("a command is told as its words") {
    CHECK(Command{"pgbackrest", {"info", "--output=json"}}.text() == "pgbackrest info --output=json");
    CHECK(Command{"pgbackrest"}.text() == "pgbackrest");
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

TEST_CASE("a child reads nothing, has three descriptors, its own group and default signals") {
    // One of ours that would be inherited.
    const int leak = ::open("/dev/null", O_RDONLY);
    ::signal(SIGPIPE, SIG_IGN);
    CHECK(lines_of(shell("cat; readlink /proc/$$/fd/0; ls /proc/$$/fd")) == Names{"/dev/null", "0", "1", "2"});
    CHECK(lines_of(shell("cut -d' ' -f5 /proc/$$/stat; echo $$")).size() == 2);
    const Names group = lines_of(shell("cut -d' ' -f5 /proc/$$/stat; echo $$"));
    CHECK(group[0] == group[1]);
    CHECK(lines_of({"grep", {"-E", "^Sig(Blk|Ign)", "/proc/self/status"}}) ==
          Names{"SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"});
    ::signal(SIGPIPE, SIG_DFL);
    ::close(leak);
}

TEST_CASE("a child starts although our own standard descriptors are closed") {
    system::Forked process{[] {
        ::close(STDIN_FILENO);
        ::close(STDOUT_FILENO);
        const Captured captured = capture(shell("cat; echo out; echo err >&2"));
        const bool failed = std::holds_alternative<NotStarted>(capture({"/nowhere/x"}).outcome);
        return captured.output == "out\n" && captured.errors == "err\n" && failed ? 7 : 8;
    }};
    CHECK(process.wait() == 7);
}

TEST_CASE("the environment is ours with additions and removals, the directory the one asked for") {
    ::setenv("SYSTEM_TEST_KEPT", "kept", 1);
    ::setenv("SYSTEM_TEST_GONE", "gone", 1);
    Command command = shell("echo $SYSTEM_TEST_KEPT-${SYSTEM_TEST_GONE-unset}-$SYSTEM_TEST_NEW; pwd");
    command.environment = {{"SYSTEM_TEST_GONE", ""}, {"SYSTEM_TEST_NEW", "new one"}};
    command.directory = "/usr";
    CHECK(lines_of(command) == Names{"kept-unset-new one", "/usr"});
    CHECK(std::string(std::getenv("SYSTEM_TEST_GONE")) == "gone");
}

TEST_CASE("arguments reach the child as they are") {
    CHECK(lines_of({"printf", {"%s\n", "a b", "", "$HOME", "'\"\\"}}) == Names{"a b", "", "$HOME", "'\"\\"});
}

TEST_CASE("executables are found in PATH, or where their path says") {
    CHECK(find_executable("sh").value().filename() == "sh");
    CHECK(find_executable("/bin/sh") == std::filesystem::path("/bin/sh"));
    CHECK_FALSE(find_executable("/etc/passwd").has_value());
    CHECK_FALSE(find_executable("/usr").has_value());
    CHECK_FALSE(find_executable("no-such-program").has_value());
    CHECK_FALSE(find_executable("").has_value());
}

TEST_CASE("a command is stalled when neither lines nor work come from it") {
    const auto begin = Clock::now();
    const Outcome outcome = run(shell("sleep 100 & sleep 100"), {}, {}, seconds(2));
    CHECK(std::holds_alternative<Stalled>(outcome));
    CHECK(Clock::now() - begin >= seconds(2));
    CHECK(Clock::now() - begin < seconds(8));
}

TEST_CASE("a silent command whose descendant works is not stalled, nor one that prints") {
    CHECK(succeeded(run(shell("setsid timeout 4 sh -c 'while :; do :; done'; exit 0"), {}, {}, seconds(2))));
    CHECK(succeeded(run(shell("for i in 1 2 3 4; do sleep 0.8; echo $i; done"), {}, {}, seconds(2))));
}

TEST_CASE("activity stays the same while nothing happens and changes when a descendant comes") {
    const system::PrivateDirectory directory;
    const auto go = (directory.path() / "go").string();
    REQUIRE(::mkfifo(go.c_str(), 0600) == 0);
    // The shell sleeps in open(2) until somebody writes; reading a fifo makes no work.
    Child child{shell("read line < " + go + "; sleep 100"), {}, {}};
    REQUIRE(system::eventually([&] {
        const auto before = child.activity();
        ::usleep(50'000);
        return child.activity() == before;
    }));
    const auto idle = child.activity();
    system::write_file(go, "go\n");
    CHECK(system::eventually([&] { return child.activity() != idle; }));
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
    Child child{shell("sleep 0.5; exit 4"), {}, {}};
    CHECK_FALSE(child.wait(milliseconds(10)).has_value());
    CHECK_FALSE(child.outcome().has_value());
    CHECK(describe(child.wait(seconds(10)).value()) == "exited with code 4");
    CHECK(describe(child.outcome().value()) == "exited with code 4");
    child.signal(SIGTERM);  // to nobody
    child.end(SIGTERM, seconds(1));
    CHECK(child.activity() == 0);
}

TEST_CASE("a signal goes to the whole group") {
    const system::PrivateDirectory directory;
    Child child{shell("sleep 100 & echo $! > " + (directory.path() / "pid").string() + "; wait"), {}, {}};
    const pid_t grandchild = system::pid_in(directory.path() / "pid");
    child.signal(SIGTERM);
    CHECK(describe(child.wait(seconds(10)).value()) == "was killed by signal 15");
    CHECK(system::eventually([&] { return !system::is_alive(grandchild); }));
}

TEST_CASE("the end of a child is the end of everything that descends from it, sessions of their own included") {
    const system::PrivateDirectory directory;
    const auto file = [&](const char* name) { return (directory.path() / name).string(); };
    pid_t ended = 0, grandchild = 0, session = 0, stubborn = 0;
    const auto begin = Clock::now();
    {
        Child child{shell("sleep 100 & echo $! > " + file("grandchild") +                           //
                          "; setsid sh -c 'echo $$ > " + file("session") + "; exec sleep 100' &" +  //
                          "setsid sh -c 'trap \"\" TERM; echo $$ > " + file("stubborn") +           //
                          "; while :; do sleep 0.1; done' & wait"),
                    {},
                    {}};
        ended = child.pid();
        grandchild = system::pid_in(file("grandchild"));
        session = system::pid_in(file("session"));
        stubborn = system::pid_in(file("stubborn"));
    }
    CHECK(Clock::now() - begin < seconds(5));
    for (const pid_t pid : {ended, grandchild, session, stubborn}) {
        CAPTURE(pid);
        CHECK(system::eventually([&] { return !system::is_alive(pid); }));
    }
}

TEST_CASE("a child that ignores SIGTERM is killed after the grace") {
    const system::PrivateDirectory directory;
    const auto ready = directory.path() / "ready";
    Child child{shell("trap '' TERM; echo $$ > " + ready.string() + "; while :; do sleep 0.1; done"), {}, {}};
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
    Child child{
        shell("trap 'echo shut down; exit 5' INT; echo $$ > " + ready.string() + "; while :; do sleep 0.1; done"),
        [&](std::string_view line) { words.emplace_back(line); },
        {},
        SIGINT};
    system::pid_in(ready);
    child.end(SIGINT, seconds(5));
    CHECK(describe(child.outcome().value()) == "exited with code 5");
    CHECK(words == Names{"shut down"});
}

TEST_CASE("children of others are not taken from them") {
    const pid_t other = ::fork();
    if (other == 0) {
        ::_exit(5);
    }
    CHECK(succeeded(capture(shell("sleep 0.1")).outcome));
    CHECK(succeeded(capture(shell("exit 0")).outcome));
    int status = 0;
    REQUIRE(::waitpid(other, &status, 0) == other);
    CHECK(WEXITSTATUS(status) == 5);
}

TEST_CASE("a callback may throw, and the child is ended") {
    const auto begin = Clock::now();
    CHECK_THROWS_AS(run(shell("echo x; exec sleep 100"), [](std::string_view) { throw std::runtime_error("x"); }, {}),
                    std::runtime_error);
    CHECK(Clock::now() - begin < seconds(3));
}

TEST_CASE("the kernel ends a child whose parent dies") {
    const system::PrivateDirectory directory;
    const auto file = directory.path() / "pid";
    system::Forked parent{[&] {
        Child child{shell("echo $$ > " + file.string() + "; exec sleep 100"), {}, {}};
        child.wait(seconds(100));
        return 0;
    }};
    const pid_t child = system::pid_in(file);
    CHECK(system::is_alive(child));
    ::kill(parent.pid(), SIGKILL);
    CHECK(system::eventually([&] { return !system::is_alive(child); }));
}

TEST_CASE("orphans are adopted, reaped when they end by themselves, and ended with the rest") {
    system::Forked process{[&] {
        adopt_orphans();
        // The shell ends at once; what it left is ours now.
        const Names pids = system::lines(capture(shell("setsid sleep 0.2 >&2 2>/dev/null & echo $!; "
                                                       "(setsid sh -c 'trap \"\" TERM; while :; do sleep 0.1; done') "
                                                       ">/dev/null 2>&1 & echo $!"))
                                             .output);
        if (pids.size() != 2) {
            return 1;
        }
        const auto brief = static_cast<pid_t>(system::number(pids[0]).value());
        const bool reaped = system::eventually([&] {
            capture(shell("exit 0"));
            return !system::status_of(brief).has_value();
        });
        const ProcessTree left{::getpid()};
        if (!reaped || left.members().empty()) {
            return 2;
        }
        end_descendants(milliseconds(300));
        return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD ? 7 : 3;
    }};
    CHECK(process.wait() == 7);
}

TEST_CASE("a child does not keep the lock of its parent") {
    const system::PrivateDirectory directory;
    const auto path = directory.path() / "lock";
    auto lock = std::make_unique<system::Lock>(path);
    Child child{{"sleep", {"100"}}, {}, {}};
    lock.reset();
    system::Forked next{[&] {
        const system::Lock ours{path};
        return 7;
    }};
    CHECK(next.wait() == 7);
}

}  // namespace patroni_pgbackrest::process
