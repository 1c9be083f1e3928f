#include "system/interruption.hpp"

#include "process/subprocess.hpp"
#include "support/catch.hpp"
#include "support/forked.hpp"
#include "system/failure.hpp"

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

TEST_CASE("an interruption ends the whole tree of a running command within 5 s") {
    const PrivateDirectory directory;
    const auto file = [&](const char* name) { return (directory.path() / name).string(); };
    const std::string script = "trap '' TERM; echo $$ > " + file("child") +
                               "; setsid sh -c 'trap \"\" TERM; echo $$ > " + file("session") +
                               "; while :; do sleep 0.1; done' & while :; do sleep 0.1; done";
    const bool by_capture = GENERATE(false, true);
    Forked process{[&] {
        interruption::install();
        adopt_orphans();
        const Command command{"sh", {"-c", script}};
        if (by_capture) {
            capture_all({command, {"sleep", {"100"}}});
        } else {
            run(command, {}, {});
        }
        return 0;
    }};
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
    Forked process{[&] {
        interruption::install();
        run({"sh", {"-c", script}}, [&](std::string_view line) { write_file(words, std::string(line)); }, {});
        return 0;
    }};
    pid_in(ready);
    const auto begin = Clock::now();
    ::kill(process.pid(), SIGTERM);
    CHECK(process.wait() == 143);
    CHECK(Clock::now() - begin < seconds(2));
    CHECK(system::read_file_if_present(words) == "terminated");
}

}  // namespace patroni_pgbackrest::process
