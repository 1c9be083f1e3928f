#include "process/bandwidth.hpp"

#include "shell.hpp"
#include "support/forked.hpp"
#include "system/interruption.hpp"
#include "system/process_facts.hpp"

#include <csignal>
#include <filesystem>
#include <string>
#include <unistd.h>

namespace patroni_pgbackrest::process {

using std::chrono::seconds;
using Clock = BandwidthLimit::Clock;

namespace {

constexpr std::uint64_t megabyte = 1 << 20;

bool is_stopped(pid_t pid) {
    const auto status = system::status_of(pid);
    return status && status->is_stopped();
}

bool becomes(pid_t pid, bool stopped) {
    return system::eventually([&] { return system::is_alive(pid) && is_stopped(pid) == stopped; });
}

}  // namespace

TEST_CASE("descendants that are ahead of their bandwidth are stopped until they are not, and go on at its end") {
    const system::PrivateDirectory directory;
    const auto file = [&](const char* name) { return (directory.path() / name).string(); };
    Child child(shell("sleep 100 & echo $! > " + file("grandchild") + "; setsid sh -c 'echo $$ > " + file("session") +
                      "; exec sleep 100' & wait"),
                {}, {});
    const auto grandchild = system::pid_in(file("grandchild")), session = system::pid_in(file("session"));
    REQUIRE(system::eventually([&] { return ::getsid(session) == session; }));
    const auto begin = Clock::now();
    {
        BandwidthLimit limit(megabyte);
        const std::uint64_t before = 1ULL << 40;  // more than this program has moved itself: counts as a debt of 30 s
        limit.keep(before, begin + seconds(1));
        CHECK(becomes(child.pid(), true));
        CHECK(becomes(grandchild, true));
        CHECK(becomes(session, false));
        limit.keep(before, begin + seconds(29));
        CHECK(becomes(child.pid(), true));
        limit.keep(before, begin + seconds(40));
        CHECK(becomes(child.pid(), false));
        CHECK(becomes(grandchild, false));
        limit.keep(before + megabyte / 2, begin + seconds(50));  // there is credit for a second
        CHECK(becomes(child.pid(), false));
        limit.keep(before + 3 * megabyte, begin + seconds(51));
        CHECK(becomes(child.pid(), true));
    }
    CHECK(becomes(child.pid(), false));
    CHECK(becomes(grandchild, false));
}

TEST_CASE("who has a time limit and moves nothing is not stopped, and what somebody else has stopped stays so") {
    const system::PrivateDirectory directory;
    const auto file = [&](const char* name) { return (directory.path() / name).string(); };
    Child child(shell("cp /bin/sh " + file("psql") + "; " + file("psql") +
                      " -c 'while :; do sleep 0.1; done' & echo $! > " + file("client") + "; sleep 100 & echo $! > " +
                      file("other") + "; wait"),
                {}, {});
    const auto client = system::pid_in(file("client")), other = system::pid_in(file("other"));
    const auto program = [&] { return std::filesystem::read_symlink("/proc/" + std::to_string(client) + "/exe"); };
    REQUIRE(system::eventually([&] { return program().filename() == "psql"; }));
    ::kill(other, SIGSTOP);
    REQUIRE(becomes(other, true));
    {
        BandwidthLimit limit(megabyte);
        limit.keep(1ULL << 40, Clock::now());
        CHECK(becomes(child.pid(), true));
        CHECK(becomes(client, false));
    }
    CHECK(becomes(child.pid(), false));
    CHECK(is_stopped(other));
}

TEST_CASE("a stopped child ends as soon as it is told to") {
    const system::PrivateDirectory directory;
    const auto ended = (directory.path() / "ended").string();
    const auto ready = (directory.path() / "ready").string();
    {
        Child child(
            shell("trap 'echo 1 > " + ended + "; exit' TERM; echo $$ > " + ready + "; while :; do sleep 0.05; done"),
            {}, {});
        system::pid_in(ready);
        ::kill(-child.pid(), SIGSTOP);
        REQUIRE(becomes(child.pid(), true));
    }
    CHECK(std::filesystem::exists(ended));  // before the KILL
    Child given_up(shell("exec sleep 100"), {}, {});
    ::kill(-given_up.pid(), SIGSTOP);
    REQUIRE(becomes(given_up.pid(), true));
    given_up.signal(SIGTERM);
    const auto& outcome = given_up.wait(seconds(10));
    REQUIRE(outcome);
    CHECK(describe(*outcome) == "was killed by signal 15");
}

TEST_CASE("who waits for an event is woken up often enough to keep a bandwidth") {
    const BandwidthLimit limit(megabyte);
    const auto begin = Clock::now();
    interruption::run_one_event(seconds(30));
    CHECK(Clock::now() - begin < seconds(5));
}

}  // namespace patroni_pgbackrest::process
