#include "replay/wal_server.hpp"

#include "fetching.hpp"
#include "replay/wal_request.hpp"
#include "support/catch.hpp"
#include "support/forked.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <memory>
#include <thread>

using namespace patroni_pgbackrest;

namespace {

namespace fs = std::filesystem;

/// A restore to the latest point that goes from segment 2 to segment 4.
struct Served : Fetching {
    explicit Served(const std::string& what = "exit 1") : Fetching(what) {
        fs::create_directories(files.path("pg_wal"));
    }

    WalServer::Options server_options() const {
        WalServer::Options options;
        options.ticket.scope = "demo";
        options.ticket.target = "latest";
        options.ticket.timeline = postgres::Timeline{1};
        options.ticket.wal = {{segment(1, 2), segment(1, 4)}};
        options.ticket.retry.retries = 1;
        options.ticket.retry.wait = std::chrono::seconds(0);
        options.data_directory = files.path();
        options.fetch = Fetching::options();
        return options;
    }
    void begin() { server = std::make_unique<WalServer>(server_options()); }

    WalCall call(const std::string& wanted) const {
        const std::string option = "--socket=";
        const auto command = server->restore_command();
        const auto at = command.find(option) + option.size();
        return {command.substr(at, command.find(' ', at) - at), {wanted, "pg_wal/RECOVERYXLOG"}};
    }
    /// Who asks, once pgBackRest has been called for it; the exit code is there when it has ended.
    std::thread ask_until_called(const std::string& wanted, std::atomic<int>& code) {
        std::thread asking([&code, it = call(wanted)] { code = ask_for_wal(it); });
        CHECK(within_10_s([&] {
            server->step();
            return !calls().empty();
        }));
        return asking;
    }
    /// The exit codes for PostgreSQL of questions that are asked at the same time.
    std::vector<int> ask(const Strings& wanted) {
        if (!server) {
            begin();
        }
        std::vector<std::atomic<int>> codes(wanted.size());
        std::vector<std::thread> asking;
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            codes[i] = -1;
            asking.emplace_back([&codes, i, it = call(wanted[i])] { codes[i] = ask_for_wal(it); });
        }
        const auto is_answered = [&] {
            server->step();
            return std::none_of(codes.begin(), codes.end(), [](const auto& code) { return code == -1; });
        };
        if (!within_10_s(is_answered)) {
            server.reset();  // nobody waits for ever
        }
        for (auto& thread : asking) {
            thread.join();
        }
        return {codes.begin(), codes.end()};
    }
    int ask(const std::string& wanted) { return ask(Strings{wanted}).front(); }
    int answer_to(const WalCall& asked) {
        std::atomic<int> code = -1;
        std::thread asking([&] { code = ask_for_wal(asked); });
        const auto is_answered = [&] {
            server->step();
            return code != -1;
        };
        if (!within_10_s(is_answered)) {
            server.reset();
        }
        asking.join();
        return code;
    }

    std::unique_ptr<WalServer> server;
};

}  // namespace

TEST_CASE("what lies in the spool is delivered, and pgbackrest is not started for it") {
    Served served;
    for (const int number : {2, 3, 4}) {
        served.spooled(segment(1, static_cast<std::uint64_t>(number)));
    }
    for (const int number : {2, 3, 4}) {
        CHECK(served.ask(segment(1, static_cast<std::uint64_t>(number))) == 0);
        CHECK(fs::file_size(served.files.path("pg_wal/RECOVERYXLOG")) == Fetching::size.bytes);
        fs::remove(served.files.path("pg_wal/RECOVERYXLOG"));
    }
    CHECK(served.calls().empty());
    CHECK(served.server->notes().served_last);
    CHECK_FALSE(served.server->notes().aborted_with);
}

TEST_CASE("what does not lie there is fetched, delivered, and the next one fetched ahead where that has worked") {
    Served served(Fetching::delivering());
    CHECK(served.ask(segment(1, 2)) == 0);
    CHECK(served.files.read("pg_wal/RECOVERYXLOG").front() == 'y');
    served.spooled(segment(1, 3));
    CHECK(served.ask(segment(1, 3)) == 0);
    CHECK(within_10_s([&] {
        served.server->step();
        return served.calls().size() == 2;
    }));
    CHECK(served.calls() == Strings{"0 " + segment(1, 2), "0 " + segment(1, 4)});
    CHECK(served.ask(segment(1, 4)) == 0);
    CHECK(served.calls().size() == 2);
}

TEST_CASE("the first segment is fetched while PostgreSQL starts") {
    Served served(Fetching::delivering());
    auto options = served.server_options();
    options.first = segment(1, 2);
    served.server = std::make_unique<WalServer>(std::move(options));
    CHECK(within_10_s([&] { return served.calls() == Strings{"0 " + segment(1, 2)}; }));
    CHECK(served.ask(segment(1, 2)) == 0);
    CHECK(served.calls().size() == 1);
}

TEST_CASE("the segment that is asked for again is fetched alone") {
    Served served(Fetching::delivering());
    served.spooled(segment(1, 4));
    CHECK(served.ask(segment(1, 4)) == 0);
    CHECK(served.ask(segment(1, 4)) == 0);
    CHECK(served.files.read("pg_wal/RECOVERYXLOG").front() == 'y');
    CHECK(served.calls() == Strings{"1 " + segment(1, 4)});
}

TEST_CASE("the served archive ends where the plan does, and nowhere else") {
    Served served;
    CHECK(served.ask(segment(1, 5)) == 1);
    CHECK(served.ask("00000002.history") == 1);
    CHECK_FALSE(served.server->notes().aborted_with);
    CHECK(served.ask(segment(1, 3)) == 200);
    const auto& notes = served.server->notes();
    CHECK(notes.aborted_with == static_cast<int>(ExitCode::target_not_reachable));
    CHECK(notes.abort_message ==
          segment(1, 3) + " was in the archive when the restore was planned, and is missing now");
    CHECK(served.calls().size() == 7);  // segments without the spool as well, and the last one twice
}

TEST_CASE("the served archive does not end while a repository is away") {
    Served served("echo 'WARN: repo2: [HostConnectError] timeout' >&2; exit 1");
    for (const auto& wanted : {segment(1, 5), segment(1, 3), std::string("00000002.history")}) {
        CAPTURE(wanted);
        served.begin();
        CHECK(served.ask(wanted) == 200);
        CHECK(served.server->notes().aborted_with == static_cast<int>(ExitCode::repository_unreachable));
        CHECK_FALSE(served.server->notes().abort_lasts);
    }
}

TEST_CASE("an error is tried again, then aborts the recovery with its own meaning") {
    Served passing("[ $(wc -l <\"${0%/*}/calls\") = 3 ] || exit 41\n" + Fetching::delivering());
    CHECK(passing.ask(segment(1, 2)) == 0);
    CHECK(passing.calls() == Strings{"0 " + segment(1, 2), "1 " + segment(1, 2), "0 " + segment(1, 2)});
    Served lasting("echo 'ERROR: [041]: not to be opened' >&2; exit 41");
    CHECK(lasting.ask(segment(1, 2)) == 200);
    CHECK(lasting.server->notes().aborted_with == static_cast<int>(ExitCode::pgbackrest_failed));
    CHECK(lasting.server->notes().abort_message.find("archive-get of " + segment(1, 2) + " failed") == 0);
    Served killed("kill -9 $$");
    CHECK(killed.ask(segment(1, 2)) == 200);
}

TEST_CASE("a segment of zeros is fetched past the spool, and aborts the recovery when it is one there as well") {
    Served in_spool(Fetching::delivering());
    in_spool.spooled(segment(1, 2), '\0');
    CHECK(in_spool.ask(segment(1, 2)) == 0);
    CHECK(in_spool.calls().front() == "1 " + segment(1, 2));
    CHECK(in_spool.files.read("pg_wal/RECOVERYXLOG").front() == 'y');
    Served archived("head -c 1048576 /dev/zero >\"$FILE\"");
    CHECK(archived.ask(segment(1, 2)) == 200);
    CHECK(archived.server->notes().abort_lasts);
    CHECK_FALSE(fs::exists(archived.files.path("pg_wal/RECOVERYXLOG")));
}

TEST_CASE("a newer history that is asked for in the middle tells of a damaged record here, too") {
    Served served;
    served.spooled(segment(1, 2));
    CHECK(served.ask(segment(1, 2)) == 0);
    CHECK(served.ask("00000002.history") == 200);
    CHECK(served.server->notes().abort_message.find("the replay ended before the last planned WAL segment") == 0);
    served.begin();  // another start of the server knows nothing of it
    CHECK(served.ask("00000002.history") == 1);
}

TEST_CASE("what an abandoned timeline wrote is not even looked for") {
    Served served(Fetching::delivering());
    auto options = served.server_options();
    options.ticket.timeline = postgres::Timeline{2};
    options.ticket.wal = {{segment(1, 2), segment(1, 4)}, {segment(2, 5), segment(2, 6)}};
    served.server = std::make_unique<WalServer>(options);
    CHECK(served.ask(segment(1, 5)) == 1);
    CHECK(served.calls().empty());
}

TEST_CASE("two questions for one segment are both answered, and so is one asked again") {
    Served served(Fetching::delivering());
    served.spooled(segment(1, 2));
    CHECK(served.ask(Strings{segment(1, 2), segment(1, 2)}) == std::vector<int>{0, 0});
    const auto calls = served.calls();
    CHECK(std::count(calls.begin(), calls.end(), "1 " + segment(1, 2)) == 1);
    CHECK(served.ask(segment(1, 2)) == 0);
}

TEST_CASE("who was killed while it waited is forgotten") {
    Served served("[ $WANTED = " + segment(1, 3) + " ] || exec sleep 100\n" + Fetching::delivering());
    served.begin();
    system::Forked asking([call = served.call(segment(1, 2))] { return ask_for_wal(call); });
    CHECK(within_10_s([&] {
        served.server->step();
        return !served.calls().empty();
    }));
    ::kill(asking.pid(), SIGKILL);
    CHECK(served.ask(segment(1, 3)) == 0);
}

TEST_CASE("who says something else is turned away") {
    Served served;
    served.begin();
    for (const std::string& destination : Strings{"/etc/passwd", "pg_wal/" + std::string(5000, 'x'), "two\nlines"}) {
        CAPTURE(destination);
        auto elsewhere = served.call(segment(1, 2));
        elsewhere.request.destination = destination;
        CHECK(served.answer_to(elsewhere) == 200);
    }
    CHECK(served.calls().empty());
}

TEST_CASE("while the spool is waited for the event loop rests") {
    using namespace std::chrono_literals;
    Served served("exec sleep 100");
    served.begin();
    std::atomic<int> code = -1;
    auto asking = served.ask_until_called(segment(1, 2), code);
    unsigned steps = 0;
    const auto end = std::chrono::steady_clock::now() + 500ms;
    for (; std::chrono::steady_clock::now() < end; ++steps) {
        interruption::run_one_event(100ms);
        served.server->step();
    }
    CHECK(steps > 10);
    CHECK(steps < 300);
    served.server.reset();
    asking.join();
}

TEST_CASE("when the server of the WAL ends, who waits aborts the recovery") {
    Served served("exec sleep 100");
    served.begin();
    std::atomic<int> code = -1;
    auto asking = served.ask_until_called(segment(1, 2), code);
    served.server.reset();
    asking.join();
    CHECK(code.load() == 200);
}

TEST_CASE("WAL that cannot be put into its place aborts the recovery with the system's words") {
    Served served;
    fs::remove(served.files.path("pg_wal"));
    served.spooled(segment(1, 2));
    CHECK(served.ask(segment(1, 2)) == 200);
    CHECK(served.server->notes().aborted_with == static_cast<int>(ExitCode::system_refused));
    CHECK(served.server->notes().abort_message.find("cannot deliver WAL to ") == 0);
}
