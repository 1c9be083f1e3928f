#include "process/aside.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/forked.hpp"
#include "system/interruption.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <new>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace patroni_pgbackrest::process {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr Patience a_second{.usual = 1s, .when_interrupted = 200ms};
constexpr Patience a_minute{.usual = 60s, .when_interrupted = 200ms};

[[noreturn]] void wait_for_ever() {
    while (true) {
        ::pause();
    }
}

Writing ordinary(const std::filesystem::path& file) {
    return {file, [file] { system::replace_file(file, "text\n"); }};
}

}  // namespace

TEST_CASE("files are written aside, and nothing is left of those who did it") {
    const Files files;
    CHECK(write_aside({ordinary(files.path("one")), ordinary(files.path("two"))}, a_minute).empty());
    CHECK(files.read("one") == "text\n");
    CHECK(files.read("two") == "text\n");
    CHECK(system::entries(files.path()) == Strings{"one", "two"});
    CHECK(write_aside({}, a_minute).empty());
}

TEST_CASE("a writer that never ends is given its time, killed, and named; the others have written") {
    const Files files;
    const auto dead = files.path("dead mount/report.json");
    const auto began = Clock::now();
    const auto problems = write_aside({{dead,
                                        [&] {
                                            system::write_file(files.path("pid"), std::to_string(::getpid()) + "\n");
                                            wait_for_ever();
                                        }},
                                       ordinary(files.path("page.html"))},
                                      a_second);
    CHECK(Clock::now() - began >= 1s);
    CHECK(Clock::now() - began < 10s);
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().message == dead.string() + " is not written: it has not answered for 1 s");
    CHECK(problems.front().hint == "ls '" + files.path("dead mount").string() +
                                       "' hangs as well if it is a mount whose server is gone: bring that back, or "
                                       "name a file on a local disk");
    CHECK(files.read("page.html") == "text\n");
    const auto writer = system::pid_in(files.path("pid"));
    CHECK(system::eventually([&] { return !system::is_alive(writer); }));
}

TEST_CASE("a FIFO that nobody serves holds up nobody") {
    const Files files;
    const auto fifo = files.path("fifo");
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    const auto problems = write_aside({{fifo, [&] { system::read_file(fifo); }}}, a_second);
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().message == fifo.string() + " is not written: it has not answered for 1 s");
}

TEST_CASE("what is wrong with a file comes back as it was thrown") {
    const Files files;
    const auto problems = write_aside({{"one", [] { throw Failure(ExitCode::unsafe, "it is theirs", "name another"); }},
                                       {"two", [] { throw std::bad_alloc(); }},
                                       ordinary(files.path("away/three"))},
                                      a_minute);
    REQUIRE(problems.size() == 3);
    CHECK(problems[0] == Problem{"it is theirs", "name another"});
    CHECK(problems[1] == system::refused("get memory", ENOMEM).problems().front());
    CHECK(problems[2].message ==
          "cannot write beside " + files.path("away/three").string() + ": No such file or directory");
}

TEST_CASE("a writer that is killed has not written") {
    const auto problems = write_aside({{"/some/file", [] { ::raise(SIGKILL); }}}, a_minute);
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().message == "/some/file is not written: the process that does it was killed");
}

TEST_CASE("a writer has no descriptor of ours, a group of its own and default signals") {
    const Files files;
    const int ours = ::open(files.write("ours", "").c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(ours > STDERR_FILENO);
    const auto look = [&] {
        std::string seen = ::getpgrp() == ::getpid() ? "own group\n" : "";
        for (const auto& number : system::entries("/proc/self/fd")) {
            std::error_code gone;  // the one with which they were listed
            const auto end = std::filesystem::read_symlink("/proc/self/fd/" + number, gone).string();
            seen += gone ? "" : end.substr(0, 5) + "\n";
        }
        for (const auto& line : system::lines(system::read_file("/proc/self/status"))) {
            seen += line.starts_with("SigBlk:") ? line + "\n" : "";
        }
        system::write_file(files.path("seen"), seen);
    };
    CHECK(write_aside({{"look", look}}, a_minute).empty());
    const auto seen = system::lines(files.read("seen"));
    CHECK(std::count(seen.begin(), seen.end(), "own group") == 1);
    CHECK(std::count(seen.begin(), seen.end(), "/dev/") == 3);
    CHECK(std::count(seen.begin(), seen.end(), "pipe:") == 1);
    CHECK(std::find(seen.begin(), seen.end(), "SigBlk:\t0000000000000000") != seen.end());
    CHECK(seen.size() == 6);
    ::close(ours);
}

TEST_CASE("an interrupted run waits for its writers for a shorter time") {
    system::Forked process([] {
        interruption::install();
        ::raise(SIGTERM);
        const auto problems = write_aside({{"/dead/file", wait_for_ever}}, a_minute);
        return problems.size() == 1 ? 7 : 8;
    });
    CHECK(process.wait() == 7);
}

TEST_CASE("without another process a file is written all the same") {
    const Files files;
    std::filesystem::permissions(files.path(), std::filesystem::perms::all);
    const auto file = files.path("report");
    system::Forked process([&] {
        constexpr uid_t nobody = 65534;
        const rlimit none{0, 0};
        if ((::geteuid() == 0 && ::setuid(nobody) != 0) || ::setrlimit(RLIMIT_NPROC, &none) != 0) {
            return 99;
        }
        return write_aside({ordinary(file)}, a_minute).empty() ? 7 : 8;
    });
    CHECK(process.wait() == 7);
    CHECK(files.read("report") == "text\n");
}

}  // namespace patroni_pgbackrest::process
