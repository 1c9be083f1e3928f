#include "fake_repository.hpp"
#include "support/catch.hpp"

#include <csignal>
#include <sys/stat.h>
#include <unistd.h>

namespace {

/// What the fake pgbackrest does in `restore`: it hangs, with a child in a session of its own.
Variables hanging_copy(const FakeRepository& repository, const std::string& how) {
    const auto file = [&](const std::string& name) { return repository.directory.path(name).string(); };
    return {{"FAKE_ONLY", "* restore"},
            {"FAKE_HANG", how},
            {"FAKE_RUN", "if [ \"$command\" = restore ]; then setsid sh -c 'echo $$ > " + file("grandchild") +
                             "; exec sleep 600' & echo $$ > " + file("child") + "; fi"}};
}

struct HangingCopy {
    FakeRepository repository;
    Program program;
    pid_t child, grandchild;

    explicit HangingCopy(const std::string& how = "1")
        : program(repository.bootstrap(), repository.how(hanging_copy(repository, how))),
          child(repository.directory.pid_in("child")), grandchild(repository.directory.pid_in("grandchild")) {
        REQUIRE(child > 0);
        REQUIRE(grandchild > 0);
        REQUIRE(is_alive(child));
        REQUIRE(is_alive(grandchild));
    }

    ~HangingCopy() {
        // SIGKILL, with which Program would end it, leaves it no time to end what it started.
        if (program.is_running()) {
            program.signal(SIGTERM);
            program.wait();
        }
    }
    HangingCopy(const HangingCopy&) = delete;
    HangingCopy& operator=(const HangingCopy&) = delete;

    void check_that_nothing_is_left() {
        CHECK_FALSE(is_alive(child));
        CHECK_FALSE(is_alive(grandchild));
        CHECK_FALSE(repository.directory.has("data"));
        CHECK(repository.directory.has("data.restoring.d/journal.json"));
    }
};

}  // namespace

TEST_CASE("a signal ends a copy within five seconds, with everything that was started, and its own exit code") {
    struct Form {
        int signal;
        int code;
        std::string name;
    };
    for (const auto& form : {Form{SIGTERM, 143, "SIGTERM"}, Form{SIGINT, 130, "SIGINT"}, Form{SIGHUP, 129, "SIGHUP"}}) {
        CAPTURE(form.name);
        HangingCopy copy;
        copy.program.signal(form.signal);
        CHECK(copy.program.wait(std::chrono::seconds(5)) == form.code);
        CHECK(contains(copy.program.errors(), error("ended by " + form.name, "run it again")));
        CHECK(contains(copy.program.errors(),
                       " ERROR: exit code " + std::to_string(form.code) + ": ended by " + form.name + "\n"));
        copy.check_that_nothing_is_left();
    }
}

TEST_CASE("a pgbackrest that ignores every polite signal is ended all the same") {
    HangingCopy copy("deaf");
    copy.program.signal(SIGTERM);
    CHECK(copy.program.wait(std::chrono::seconds(5)) == 143);
    copy.check_that_nothing_is_left();
}

TEST_CASE("an impatient second signal changes nothing") {
    HangingCopy copy("deaf");
    copy.program.signal(SIGINT);
    copy.program.signal(SIGTERM);
    copy.program.signal(SIGTERM);
    CHECK(copy.program.wait(std::chrono::seconds(5)) == 130);
    copy.check_that_nothing_is_left();
}

TEST_CASE("a signal ends the questions before the copy as well") {
    const FakeRepository repository;
    Program program(repository.bootstrap(),
                    repository.how({{"FAKE_ONLY", "* info"},
                                    {"FAKE_HANG", "deaf"},
                                    {"FAKE_RUN", "echo $$ > " + repository.directory.path("child").string()}}));
    const auto child = repository.directory.pid_in("child");
    REQUIRE(child > 0);
    program.signal(SIGTERM);
    CHECK(program.wait(std::chrono::seconds(5)) == 143);
    CHECK_FALSE(is_alive(child));
    CHECK_FALSE(repository.directory.has("data"));
}

TEST_CASE("a file that never answers holds up neither the end nor the other files, and is named") {
    const FakeRepository repository;
    const auto metrics = repository.directory.path("x.prom").string();
    REQUIRE(::mkfifo(metrics.c_str(), 0600) == 0);  // what is in the old file is read first
    Program program(repository.bootstrap(
                        {"--metrics-file=" + metrics, "--report=" + repository.directory.path("report.json").string()}),
                    repository.how(hanging_copy(repository, "1")));
    REQUIRE(repository.directory.pid_in("grandchild") > 0);
    program.signal(SIGTERM);
    CHECK(program.wait(std::chrono::seconds(8)) == 143);
    CHECK(
        contains(program.errors(), " WARNING: " + metrics + " is not written: it has not answered for 2 s\n  HINT: "));
    CHECK(contains(repository.directory.read("report.json"), "\"exit_code\": 143"));
}

TEST_CASE("a signal ends the wait before another try") {
    const FakeRepository repository;
    Program program(repository.bootstrap({"--retry-wait=300"}),
                    repository.how({{"FAKE_ONLY", "* restore"}, {"FAKE_FAIL", "49"}}));
    REQUIRE(eventually([&] { return contains(program.errors(), "trying again in 300 s"); }));
    program.signal(SIGTERM);
    CHECK(program.wait(std::chrono::seconds(5)) == 143);
}

TEST_CASE("the run after an interrupted one begins where it may, with the same staging directory") {
    const FakeRepository repository;
    {
        Program first(repository.bootstrap(), repository.how(hanging_copy(repository, "1")));
        REQUIRE(repository.directory.pid_in("grandchild") > 0);
        repository.directory.write("data.restoring/backup.manifest", "half");
        first.signal(SIGTERM);
        REQUIRE(first.wait() == 143);
    }
    Program second(repository.bootstrap(), repository.how({{"FAKE_ONLY", "* restore"}, {"FAKE_FAIL", "95"}}));
    CHECK(second.wait() == 5);
    CHECK(contains(repository.calls(), " --delta "));
    CHECK(repository.directory.read("data.restoring/backup.manifest") == "half");
}

TEST_CASE("when the Patroni that called is killed the restore ends by itself") {
    const FakeRepository repository;
    const auto errors = repository.directory.path("errors").string();
    std::string command = PROGRAM;
    for (const auto& word : repository.bootstrap()) {
        command += " '" + word + "'";
    }
    const auto script =
        repository.directory.write("patroni.sh", command + " 2> " + errors + " &\necho $! > " +
                                                     repository.directory.path("program").string() + "\nwait\n");
    auto how = repository.how(hanging_copy(repository, "1"));
    how.executable = "/bin/sh";
    how.name = "patroni";
    Program patroni({script.string()}, how);
    const auto program = repository.directory.pid_in("program");
    const auto child = repository.directory.pid_in("child");
    const auto grandchild = repository.directory.pid_in("grandchild");
    REQUIRE(program > 0);
    REQUIRE(child > 0);
    REQUIRE(grandchild > 0);

    patroni.signal(SIGKILL);
    CHECK(patroni.wait() == 137);
    CHECK(eventually([&] { return !is_alive(program); }, std::chrono::seconds(5)));
    CHECK_FALSE(is_alive(child));
    CHECK_FALSE(is_alive(grandchild));
    CHECK(
        contains(repository.directory.read("errors"),
                 error("the calling Patroni (process " + std::to_string(patroni.pid()) + ") is gone", "run it again")));
    CHECK(contains(repository.directory.read("errors"), " ERROR: exit code 143: ended by SIGTERM\n"));
    CHECK_FALSE(repository.directory.has("data"));
}

TEST_CASE("a standard stream that is closed is no file of the restore's") {
    const FakeRepository repository;
    auto how = repository.how(hanging_copy(repository, "1"));
    how.executable = "/bin/sh";
    how.name = "sh";
    Words words{"-c", "exec \"$0\" \"$@\" <&- >&- 2>&-", PROGRAM};
    for (const auto& word : repository.bootstrap()) {
        words.push_back(word);
    }
    Program program(words, how);
    REQUIRE(repository.directory.pid_in("grandchild") > 0);
    for (const char* stream : {"0", "1", "2"}) {
        CAPTURE(stream);
        const auto link = std::filesystem::path("/proc") / std::to_string(program.pid()) / "fd" / stream;
        CHECK(std::filesystem::read_symlink(link) == "/dev/null");
    }
    program.signal(SIGTERM);
    CHECK(program.wait() == 143);
}

TEST_CASE("a second instance waits until the first is gone") {
    HangingCopy first;
    Program second(first.repository.bootstrap(),
                   first.repository.how({{"FAKE_ONLY", "* restore"}, {"FAKE_FAIL", "95"}}));
    CHECK(eventually([&] {
        return contains(second.errors(), "waiting for process " + std::to_string(first.program.pid()) +
                                             ", which holds " + first.repository.data() + ".restoring.d/lock\n");
    }));
    CHECK(second.is_running());
    first.program.signal(SIGTERM);
    CHECK(first.program.wait() == 143);
    CHECK(second.wait() == 5);
}

TEST_CASE("a waiting instance is ended by a signal as well") {
    HangingCopy first;
    Program second(first.repository.bootstrap(), first.repository.how());
    REQUIRE(eventually([&] { return contains(second.errors(), "waiting for process "); }));
    second.signal(SIGTERM);
    CHECK(second.wait(std::chrono::seconds(5)) == 143);
    CHECK(first.program.is_running());
}
