#include "process/launch.hpp"

#include "shell.hpp"
#include "support/forked.hpp"
#include "system/file.hpp"
#include "system/lock.hpp"
#include "system/no_flush.hpp"
#include "system/refusal.hpp"
#include "system/write_wall.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace patroni_pgbackrest::process {

using std::chrono::seconds;

TEST_CASE("a file without a format is not started, and no zombie is left") {
    const system::PrivateDirectory directory;
    const auto file = directory.path() / "program";
    system::write_file(file, "not a program");
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    CHECK(outcome_of({file.string()}) == "could not be started: Exec format error");
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
}

TEST_CASE("a program that is missing is told from a child for which the system has nothing left") {
    const auto missing = std::get<NotStarted>(capture({"/nowhere/program"}).outcome);
    CHECK(missing.error == ENOENT);
    CHECK_FALSE(missing.may_pass());
    CHECK_NOTHROW(require_resources("/nowhere/program", missing));
    CHECK_NOTHROW(require_resources("true", Exited{1}));
    const auto refused = NotStarted{"Resource temporarily unavailable", EAGAIN};
    CHECK(refused.may_pass());
    CHECK_THROWS_WITH(require_resources("pgbackrest", refused),
                      "cannot start pgbackrest: Resource temporarily unavailable");
}

TEST_CASE("without another process or descriptor a child is not started, and this program goes on") {
    system::Forked process([] {
        capture({"true"});  // the event loop has its own descriptors by now
        constexpr uid_t nobody = 65534;
        const rlimit none{0, 0};
        if ((::geteuid() == 0 && ::setuid(nobody) != 0) || ::setrlimit(RLIMIT_NPROC, &none) != 0) {
            return 99;
        }
        const auto outcome = capture({"true"}).outcome;
        const auto* failed = std::get_if<NotStarted>(&outcome);
        if (failed == nullptr || failed->error != EAGAIN) {
            return 8;
        }
        require_resources("true", outcome);
        return 9;
    });
    CHECK(process.wait() == 11);
    CHECK(process.errors() == "cannot start true: Resource temporarily unavailable\n");

    system::Forked without_descriptors([] {
        capture({"true"});
        const rlimit none{0, 0};
        const auto outcome = ::setrlimit(RLIMIT_NOFILE, &none) == 0 ? capture({"/bin/true"}).outcome : Exited{99};
        require_resources("/bin/true", outcome);
        return 9;
    });
    CHECK(without_descriptors.wait() == 11);
    CHECK(without_descriptors.errors() == "cannot start /bin/true: Too many open files\n");
}

TEST_CASE("a limit at any number of descriptors gives a child or a refusal, never an abort") {
    for (rlim_t most = 3; most < 24; ++most) {
        CAPTURE(most);
        system::Forked process([most] {
            const rlimit limit{most, most};
            if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
                return 99;
            }
            try {
                const auto outcome = capture(shell("exit 7")).outcome;
                require_resources("sh", outcome);
                const auto* exited = std::get_if<Exited>(&outcome);
                return exited != nullptr ? exited->code : 98;
            } catch (const Failure&) {
                throw;
            } catch (const std::exception& error) {
                throw Failure(system::unexpected(error));
            }
        });
        const int code = process.wait();
        CAPTURE(process.errors());
        CHECK((code == 7 || code == 11));
    }
}

TEST_CASE("a command is told as its words") {
    CHECK(Command{"pgbackrest", {"info", "--output=json"}}.text() == "pgbackrest info --output=json");
    CHECK(Command{"pgbackrest"}.text() == "pgbackrest");
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
    system::Forked process([] {
        ::close(STDIN_FILENO);
        ::close(STDOUT_FILENO);
        const Captured captured = capture(shell("cat; echo out; echo err >&2"));
        const bool failed = std::holds_alternative<NotStarted>(capture({"/nowhere/x"}).outcome);
        return captured.output == "out\n" && captured.errors == "err\n" && failed ? 7 : 8;
    });
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

TEST_CASE("the kernel ends a child whose parent dies") {
    const system::PrivateDirectory directory;
    const auto file = directory.path() / "pid";
    system::Forked parent([&] {
        Child child(shell("echo $$ > " + file.string() + "; exec sleep 100"), {}, {});
        child.wait(seconds(100));
        return 0;
    });
    const pid_t child = system::pid_in(file);
    CHECK(system::is_alive(child));
    ::kill(parent.pid(), SIGKILL);
    CHECK(system::eventually([&] { return !system::is_alive(child); }));
}

TEST_CASE("a child does not keep the lock of its parent") {
    const system::PrivateDirectory directory;
    const auto path = directory.path() / "lock";
    auto lock = std::make_unique<system::Lock>(path);
    Child child({"sleep", {"100"}}, {}, {});
    lock.reset();
    system::Forked next([&] {
        const system::Lock ours(path);
        return 7;
    });
    CHECK(next.wait() == 7);
}

TEST_CASE("a child behind a wall changes nothing outside of it, nor does what it starts") {
    REQUIRE(system::landlock_version() > 0);
    const system::PrivateDirectory directory;
    for (const char* name : {"in", "out"}) {
        std::filesystem::create_directory(directory.path() / name);
    }
    system::write_file(directory.path() / "out/kept", "kept");
    const auto behind_wall = [&](const std::string& script) {
        auto command = shell(script);
        command.directory = directory.path();
        command.writable = {directory.path() / "in", directory.path() / "absent"};
        return succeeded(capture(command).outcome);
    };
    CHECK(behind_wall("echo x >in/a && mv in/a in/b && mkdir in/d && mv in/b in/d/c && ln in/d/c in/e && rm -r in/d "
                      "&& cat out/kept >in/copy && echo x >/dev/null"));
    for (const char* script :
         {"echo x >out/new", "echo x >out/kept", "echo x >>out/kept", "truncate -s 0 out/kept", "mkdir out/d",
          "ln -s x out/link", "mkfifo out/pipe", "rm out/kept", "mv out/kept out/moved", "mv out/kept in/moved",
          "mv in/copy out/copy", "ln out/kept in/kept", "mkdir absent", "ln -s ../out/kept in/link; echo x >in/link",
          "setsid sh -c 'echo x >out/new'"}) {
        CAPTURE(script);
        CHECK_FALSE(behind_wall(script));
    }
    CHECK(system::entries(directory.path()) == Names{"in", "out"});
    CHECK(system::entries(directory.path() / "out") == Names{"kept"});
    CHECK(system::read_file(directory.path() / "out/kept") == "kept");
}

TEST_CASE("a file that may be written to opens nothing beside it") {
    const system::PrivateDirectory directory;
    system::write_file(directory.path() / "mine", "");
    auto command = shell("echo x >mine && ! rm mine && ! echo x >other");
    command.directory = directory.path();
    command.writable = {directory.path() / "mine"};
    CHECK(outcome_of(command) == "exited with code 0");
    CHECK(system::entries(directory.path()) == Names{"mine"});
}

TEST_CASE("a command and what it starts flush nothing when they are told so, with a wall and without") {
    REQUIRE(system::landlock_version() > 0);
    REQUIRE(system::refusal_to_flush_nothing() == 0);
    auto command = shell("sync /dev/null 2>/dev/null");  // which fsync refuses
    for (const bool walled : {false, true}) {
        CAPTURE(walled);
        if (walled) {
            command.writable.emplace();
        }
        command.flushes = true;
        CHECK_FALSE(succeeded(capture(command).outcome));
        command.flushes = false;
        CHECK(succeeded(capture(command).outcome));
    }
}

TEST_CASE("to ask whether a filter would be taken leaves this process without one, and with its privileges") {
    const auto facts = [] { return system::read_file("/proc/thread-self/status"); };
    const auto value = [](const std::string& status, const std::string& key) {
        const auto at = status.find("\n" + key + ":\t");
        return at == std::string::npos ? "" : status.substr(at + 1, status.find('\n', at + 1) - at);
    };
    const auto before = facts();
    CHECK(system::refusal_to_flush_nothing() == 0);
    for (const char* key : {"NoNewPrivs", "Seccomp"}) {
        CAPTURE(key);
        CHECK_FALSE(value(before, key).empty());
        CHECK(value(facts(), key) == value(before, key));
    }
}

}  // namespace patroni_pgbackrest::process
