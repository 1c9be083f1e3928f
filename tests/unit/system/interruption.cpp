#include "system/interruption.hpp"

#include "support/catch.hpp"
#include "support/forked.hpp"
#include "system/failure.hpp"
#include "system/process_facts.hpp"

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fmt/format.h>
#include <unistd.h>

namespace patroni_pgbackrest {

using system::eventually;
using system::Forked;
using system::is_alive;
using system::pid_in;
using system::PrivateDirectory;
using system::write_file;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// Sleeps until it is interrupted.
Forked sleeper(const std::filesystem::path& ready) {
    return Forked([=] {
        interruption::install();
        write_file(ready, "1");
        interruption::sleep(seconds(100));
        return 0;
    });
}

}  // namespace

TEST_CASE("each of the three signals has its own failure") {
    const auto [signal, code, message] = GENERATE(table<int, int, std::string>({
        {SIGTERM, 143, "ended by SIGTERM\n"},
        {SIGINT, 130, "ended by SIGINT\n"},
        {SIGHUP, 129, "ended by SIGHUP\n"},
    }));
    const PrivateDirectory directory;
    Forked process = sleeper(directory.path() / "ready");
    REQUIRE(eventually([&] { return std::filesystem::exists(directory.path() / "ready"); }));
    const auto begin = Clock::now();
    ::kill(process.pid(), signal);
    CHECK(process.wait() == code);
    CHECK(process.errors() == message);
    CHECK(Clock::now() - begin < seconds(3));
}

TEST_CASE("a signal that is blocked by whoever started us still arrives") {
    Forked process([] {
        sigset_t all;
        sigfillset(&all);
        ::sigprocmask(SIG_SETMASK, &all, nullptr);
        interruption::install();
        ::raise(SIGTERM);
        interruption::check();
        return 0;
    });
    CHECK(process.wait() == 143);
}

TEST_CASE("nohup is respected, a broken pipe ignored") {
    Forked process([] {
        ::signal(SIGHUP, SIG_IGN);
        interruption::install();
        ::raise(SIGHUP);
        ::raise(SIGPIPE);
        interruption::check();
        return interruption::requested() ? 8 : 7;
    });
    CHECK(process.wait() == 7);
}

TEST_CASE("the first signal counts, and check goes on throwing") {
    Forked process([] {
        interruption::install();
        ::raise(SIGINT);
        if (!interruption::requested()) {
            return 1;
        }
        ::raise(SIGTERM);
        for (int i = 0; i < 2; ++i) {
            try {
                interruption::check();
                return 2;
            } catch (const Failure& failure) {
                if (failure.code() != ExitCode::interrupted || failure.problems()[0].hint != "run it again") {
                    return 3;
                }
            }
        }
        return 7;
    });
    CHECK(process.wait() == 7);
}

TEST_CASE("sleeping takes its time, not the processor's") {
    const auto begin = Clock::now();
    const std::clock_t used = std::clock();
    interruption::sleep(milliseconds(300));
    CHECK(Clock::now() - begin >= milliseconds(300));
    CHECK(Clock::now() - begin < seconds(3));
    CHECK(std::clock() - used < CLOCKS_PER_SEC / 10);
}

TEST_CASE("the end of the caller counts as SIGTERM, even as a zombie and when it is not the parent") {
    Forked caller([] {
        ::pause();
        return 0;
    });
    Forked process([&] {
        interruption::install();
        interruption::watch_caller(caller.pid());
        interruption::sleep(seconds(100));
        return 0;
    });
    CHECK(process.is_running());
    const auto begin = Clock::now();
    ::kill(caller.pid(), SIGKILL);  // nobody reaps it yet
    CHECK(process.wait() == 143);
    CHECK(Clock::now() - begin < seconds(2));
    CHECK(process.errors() == fmt::format("the calling Patroni (process {}) is gone\n", caller.pid()));
}

TEST_CASE("the end of a caller that is the direct parent is told as such, too") {
    const PrivateDirectory directory;
    const auto words = directory.path() / "words";
    const auto file = directory.path() / "pid";
    Forked caller([&] {
        ::setenv("TMPDIR", directory.path().c_str(), 1);  // it is killed and cannot clean up
        const Forked process([&] {
            interruption::install();
            interruption::watch_caller(::getppid());
            write_file(file, fmt::format("{}\n", ::getpid()));
            try {
                interruption::sleep(seconds(100));
            } catch (const Failure& failure) {
                write_file(words, failure.what());
            }
            return 0;
        });
        ::pause();
        return 0;
    });
    pid_in(file);
    ::kill(caller.pid(), SIGKILL);
    const std::string message = fmt::format("the calling Patroni (process {}) is gone", caller.pid());
    CHECK(eventually([&] { return system::read_file_if_present(words) == message; }));
}

TEST_CASE("a caller that is gone before we look is noticed at once") {
    Forked caller([] { return 0; });
    CHECK(caller.wait() == 0);
    Forked process([&] {
        interruption::install();
        interruption::watch_caller(caller.pid());
        interruption::check();
        return 0;
    });
    CHECK(process.wait() == 143);
}

TEST_CASE("a caller that cannot be looked at for want of descriptors is not taken for one that is gone") {
    Forked process([] {
        interruption::install();
        interruption::watch_caller(::getppid());
        if (!system::leave_descriptors(0) || system::start_time_of(::getppid()) != 0) {
            return 99;
        }
        interruption::sleep(milliseconds(700));  // it is looked at several times
        return 7;
    });
    CHECK(process.wait() == 7);
}

TEST_CASE("SIGTERM is told as such while the caller lives") {
    Forked process([] {
        interruption::install();
        interruption::watch_caller(::getppid());
        ::raise(SIGTERM);
        interruption::check();
        return 0;
    });
    CHECK(process.wait() == 143);
    CHECK(process.errors() == "ended by SIGTERM\n");
}

}  // namespace patroni_pgbackrest
