#include "process/process_tree.hpp"

#include "shell.hpp"
#include "support/forked.hpp"
#include "system/interruption.hpp"
#include "system/text.hpp"

#include <csignal>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace patroni_pgbackrest::process {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("activity stays the same while nothing happens and changes when a descendant comes") {
    const system::PrivateDirectory directory;
    const auto go = (directory.path() / "go").string();
    REQUIRE(::mkfifo(go.c_str(), 0600) == 0);
    // The shell sleeps in open(2) until somebody writes; reading a fifo makes no work.
    Child child(shell("read line < " + go + "; sleep 100"), {}, {});
    REQUIRE(system::eventually([&] {
        const auto before = child.activity();
        ::usleep(50'000);
        return child.activity() == before;
    }));
    const auto idle = child.activity();
    system::write_file(go, "go\n");
    CHECK(system::eventually([&] { return child.activity() != idle; }));
}

TEST_CASE("the end of a child is the end of everything that descends from it, sessions of their own included") {
    const system::PrivateDirectory directory;
    const auto file = [&](const char* name) { return (directory.path() / name).string(); };
    pid_t ended = 0, grandchild = 0, session = 0, stubborn = 0;
    const auto begin = Clock::now();
    {
        Child child(shell("sleep 100 & echo $! > " + file("grandchild") +                           //
                          "; setsid sh -c 'echo $$ > " + file("session") + "; exec sleep 100' &" +  //
                          "setsid sh -c 'trap \"\" TERM; echo $$ > " + file("stubborn") +           //
                          "; while :; do sleep 0.1; done' & wait"),
                    {}, {});
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

TEST_CASE("orphans are adopted, reaped when they end by themselves, and ended with the rest") {
    system::Forked process([&] {
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
        const ProcessTree left(::getpid());
        if (!reaped || left.members().empty()) {
            return 2;
        }
        end_descendants(milliseconds(300));
        return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD ? 7 : 3;
    });
    CHECK(process.wait() == 7);
}

TEST_CASE("leftovers are found by an argument, whoever started them, and killed when they ignore SIGTERM") {
    const system::PrivateDirectory directory;
    const auto argument = "--lock-path=" + directory.path().string();
    const auto file = [&](const char* name) { return (directory.path() / name).string(); };
    const auto start = [&](const char* name, const std::string& trap) {
        const auto script = trap + "echo $$ > " + file(name) + "; while :; do sleep 0.1; done";
        return system::Forked([=] { return ::execlp("sh", "sh", "-c", script.c_str(), argument.c_str(), nullptr); });
    };
    CHECK(end_processes_with(argument, seconds(2)) == 0);
    auto obedient = start("obedient", "");
    auto stubborn = start("stubborn", "trap '' TERM; ");
    system::pid_in(file("obedient"));
    system::pid_in(file("stubborn"));
    // Longer arguments that begin in the same way are those of others.
    Child other({"sh", {"-c", "echo $$ > " + file("other") + "; sleep 100", argument + "-2"}}, {}, {});
    system::pid_in(file("other"));
    const auto begin = Clock::now();
    CHECK(end_processes_with(argument, milliseconds(300)) == 2);
    CHECK(Clock::now() - begin >= milliseconds(300));
    CHECK(Clock::now() - begin < seconds(4));
    CHECK(obedient.wait() == 128 + SIGTERM);
    CHECK(stubborn.wait() == 128 + SIGKILL);
    CHECK_FALSE(other.outcome().has_value());
    CHECK(system::is_alive(other.pid()));
}

TEST_CASE("what nothing depends on is ended as well") {
    const system::PrivateDirectory directory;
    const auto argument = "--lock-path=" + directory.path().string();
    const auto ready = directory.path() / "ready";
    const auto script = "echo $$ > " + ready.string() + "; while :; do sleep 0.1; done";
    try_to_end_processes_with(argument, seconds(2));
    system::Forked leftover([=] { return ::execlp("sh", "sh", "-c", script.c_str(), argument.c_str(), nullptr); });
    system::pid_in(ready);
    try_to_end_processes_with(argument, seconds(2));
    CHECK(leftover.wait() == 128 + SIGTERM);
}

TEST_CASE("an interruption ends the wait for leftovers") {
    const system::PrivateDirectory directory;
    const auto argument = "--lock-path=" + directory.path().string();
    const auto ready = directory.path() / "ready";
    const auto script = "trap '' TERM; echo $$ > " + ready.string() + "; while :; do sleep 0.1; done";
    system::Forked stubborn([=] { return ::execlp("sh", "sh", "-c", script.c_str(), argument.c_str(), nullptr); });
    system::pid_in(ready);
    const auto waiting = directory.path() / "waiting";
    system::Forked process([&] {
        interruption::install();
        system::write_file(waiting, std::to_string(::getpid()) + "\n");
        return static_cast<int>(end_processes_with(argument, seconds(100)));
    });
    system::pid_in(waiting);
    ::kill(process.pid(), SIGTERM);
    CHECK(process.wait() == 143);
    CHECK(stubborn.is_running());
}

}  // namespace patroni_pgbackrest::process
