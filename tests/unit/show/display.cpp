#include "show/display.hpp"

#include "pgbackrest/retry.hpp"
#include "support/catch.hpp"
#include "support/forked.hpp"
#include "support/restore.hpp"
#include "system/interruption.hpp"
#include "system/lock.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

using namespace patroni_pgbackrest;
using namespace std::chrono_literals;

namespace {

/// A restore with a status file beside its staging directory.
struct Shown : Restore {
    Layout layout = choose_layout(data());
    RunDisplay display{false};

    Shown() {
        make_private(layout.workspace);
        display.about(request);
        display.keep_status(layout);
    }
    RunStatus written() const { return RunStatus::from_json(system::read_file(layout.status())).value(); }
};

/// What a terminal gets from a run that is in the middle of its copy, and then in the next phase.
std::string on_terminal(bool draws) {
    const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    REQUIRE((terminal >= 0 && ::grantpt(terminal) == 0 && ::unlockpt(terminal) == 0));
    const int screen = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY);
    REQUIRE(screen >= 0);
    system::Forked process([&] {
        ::setenv("TERM", "xterm", 1);
        ::dup2(screen, STDERR_FILENO);
        RunDisplay display(draws);
        display.phase("copy");
        display.counted(Unit::bytes, 0, 100);
        display.counted(Unit::bytes, 50, 100);
        const auto end = std::chrono::steady_clock::now() + 1500ms;
        while (std::chrono::steady_clock::now() < end) {
            interruption::run_one_event(100ms);
        }
        display.phase("replay");
        return 0;
    });
    CHECK(process.wait() == 0);
    std::string text(4096, '\0');
    const auto length = ::read(terminal, text.data(), text.size());
    text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    ::close(screen);
    ::close(terminal);
    return text;
}

ReplayPosition position(std::size_t behind, const std::string& commit = {}) {
    return {segment(1, 5 + behind), postgres::Lsn{(5 + behind) << 24}, behind,
            commit.empty() ? std::nullopt : std::optional(Time::parse(commit).value().at)};
}

}  // namespace

TEST_CASE("each phase of a run is in the status file when it begins") {
    Shown shown;
    CHECK(shown.written().state == RunStatus::State::running);
    CHECK(shown.written().phase.phase == "request");
    CHECK(shown.written().data_directory == shown.data().string());
    shown.display.phase("plan");
    shown.display.about(shown.plan);
    shown.display.phase("copy");
    const auto copying = shown.written();
    CHECK(copying.phase.phase == "copy");
    CHECK(copying.plan->backup_set == shown.plan.backup.label);
    CHECK(copying.plan->recovery == "standalone");
    CHECK(copying.phases.size() == 2);
    shown.display.counted(Unit::bytes, 10, 100);
    shown.display.counted(Unit::bytes, 50, 100);
    shown.display.done();
    const auto done = shown.written();
    CHECK(done.state == RunStatus::State::done);
    CHECK(done.phase.percent == 50.0);
    CHECK(done.phases.back().first == "copy");
}

TEST_CASE("who is a member of the cluster is in the status file once the DCS has told") {
    Shown shown;
    patroni::ScopeState state;
    state.leadership.why_unknown = "no answer";
    shown.display.about(state);
    shown.display.phase("plan");
    CHECK_FALSE(shown.written().members);
    state.leadership.why_unknown.clear();
    state.leadership.leader = "node2";
    state.members = {"node1", "node2"};
    shown.display.about(state);
    shown.display.phase("copy");
    CHECK(shown.written().members == state.members);
    CHECK(shown.written().leader == "node2");
}

TEST_CASE("the status file is kept up to date while nothing but the event loop runs") {
    Shown shown;
    shown.display.phase("copy");
    shown.display.counted(Unit::bytes, 50, 100);
    CHECK_FALSE(shown.written().phase.percent);
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (!shown.written().phase.percent && std::chrono::steady_clock::now() < end) {
        interruption::run_one_event(100ms);
    }
    CHECK(shown.written().phase.percent == 50.0);
}

TEST_CASE("on a terminal of its own a run draws a bar, and takes it away behind the phase") {
    const auto drawn = on_terminal(true);
    CHECK(drawn.find("\r\033[Kcopy [##########----------]   50 %  50 B of 100 B") == 0);
    CHECK(drawn.ends_with("\r\033[K"));
    CHECK(on_terminal(false).empty());
}

TEST_CASE("a second run does not write over the status of the first, and tells of itself when that is gone") {
    Shown shown;
    shown.display.phase("copy");
    CHECK(shown.written().process.has_lock);
    CHECK(system::is_locked(shown.layout.workspace));
    RunDisplay second(false);
    second.keep_status(shown.layout);
    second.phase("plan");
    CHECK(shown.written().phase.phase == "copy");
    SECTION("which holds the staging directory until its end") {
        shown.display.done();
        second.phase("plan");
        CHECK(shown.written().state == RunStatus::State::done);
    }
    SECTION("or waits for it itself, and tells of its end all the same") {
        shown.display.leave_status();
        shown.display.phase("replay");
        CHECK(shown.written().phase.phase == "copy");
        second.phase("sync");
        CHECK(shown.written().phase.phase == "sync");
        second.leave_status();
        shown.display.failed(Failure(ExitCode::unsafe, "x", "y"));
        CHECK(shown.written().state == RunStatus::State::failed);
    }
}

TEST_CASE("a failure, and when it is tried again, is in the status file") {
    Shown shown;
    shown.display.phase("copy");
    SECTION("at once") {
        shown.display.failed(Failure(ExitCode::repository_unreachable, "away", "bring it back"));
        CHECK(shown.written().state == RunStatus::State::failed);
        CHECK(shown.written().last_error->exit_code == 6);
        CHECK(shown.written().last_error->message == "away");
        CHECK(shown.written().last_error->hint == "bring it back");
        CHECK(shown.written().next_try.value() <= std::time(nullptr));
    }
    SECTION("not before something is changed") {
        shown.display.failed(Failure(ExitCode::target_not_reachable, "gone", "choose another").lasting());
        CHECK_FALSE(shown.written().next_try);
    }
    SECTION("an interruption is none") {
        shown.display.failed(Failure(ExitCode::interrupted, "ended by SIGINT", "run it again"));
        CHECK(shown.written().state == RunStatus::State::interrupted);
        CHECK(exit_code_of(shown.written()) == ExitCode::interrupted);
    }
}

TEST_CASE("a pause before another try is in the status file, with its reason") {
    Shown shown;
    shown.display.phase("copy");
    pgbackrest::Retries retries({1, 0s});
    CHECK(retries.another("pgbackrest exited with code 49 (host-connect)"));
    CHECK(shown.written().state == RunStatus::State::waiting);
    CHECK(shown.written().last_error->message == "pgbackrest exited with code 49 (host-connect)");
    CHECK(shown.written().next_try);
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (shown.written().state != RunStatus::State::running && std::chrono::steady_clock::now() < end) {
        interruption::run_one_event(100ms);
    }
    CHECK(shown.written().state == RunStatus::State::running);  // the try
    CHECK(shown.written().last_error);
    CHECK_FALSE(shown.written().next_try);
    shown.display.phase("replay");
    CHECK(shown.written().state == RunStatus::State::running);
    CHECK_FALSE(shown.written().last_error);
}

TEST_CASE("a status file that cannot be written is no failure, and neither is a directory that is gone") {
    Shown shown;
    fs::remove(shown.layout.status());
    fs::create_directory(shown.layout.status());
    shown.display.phase("copy");
    shown.display.phase("replay");
    fs::remove_all(shown.layout.workspace);
    shown.display.done();
    CHECK_FALSE(is_there(shown.layout.workspace));
}

TEST_CASE("a replay counts the planned segments, and begins where an earlier one stopped") {
    Shown shown;
    shown.display.about(shown.plan);
    shown.display.phase("replay");
    shown.display.replayed_to(position(2, "2026-11-22 10:00:00+00"));
    shown.display.done();
    const auto written = shown.written();
    CHECK(written.phase.unit == Unit::segments);
    CHECK(written.phase.done == 2);
    CHECK(written.phase.planned == shown.plan.wal.segments);
    CHECK(written.position == "at 0/7000000, commits up to 2026-11-22 10:00:00+00");
    CHECK(position_text(position(0)) == "at 0/5000000");
}

TEST_CASE("what was reached, and where the archive's commits end, is told where it is known") {
    Shown shown;
    const Reached reached{postgres::Timeline{2}, postgres::Lsn{0x7000158}, "x", "2026-11-22 10:00:00.5+00"};
    shown.display.about(shown.plan);
    CHECK(shown.display.status().plan->backup_size == shown.plan.backup.size);
    CHECK_FALSE(shown.display.status().window_end);
    SECTION("a replay to the latest point ends with them") {
        shown.display.about(reached);
        CHECK(shown.display.status().reached_time == seconds("2026-11-22 10:00:00+00"));
        CHECK(shown.display.status().window_end == seconds("2026-11-22 10:00:00+00"));
    }
    SECTION("for a time they were searched") {
        auto plan = shown.plan;
        plan.target = time_target("2026-11-22 10:00:00+00");
        plan.last_commit = LastCommit{{}, "", Time::parse("2026-11-22 11:50:00+00")->at};
        shown.display.about(plan);
        shown.display.about(reached);
        CHECK(shown.display.status().window_end == seconds("2026-11-22 11:50:00+00"));
    }
    SECTION("a run that ends before it has a status file tells it all the same") {
        RunDisplay display(false);
        display.failed(Failure(ExitCode::usage, "x", "y"));
        CHECK(display.status().phase.phase == "request");
        CHECK(display.status().updated > 0);
        CHECK(exit_code_of(display.status()) == ExitCode::usage);
    }
}

TEST_CASE("a run knows for estimates what it copied and replayed itself, and how long each phase took") {
    Shown shown;
    auto& display = shown.display;
    display.about(shown.plan);
    display.phase("copy");
    display.copies(4096);
    const auto replay = [&](std::size_t from, std::size_t to) {
        display.phase("replay");
        display.replayed_to(position(from));
        display.replayed_to(position(to));
    };
    SECTION("all of it") {
        replay(0, 4);
        display.done();
        CHECK(display.measured().bytes == 4096);
        CHECK(display.measured().segments == 4);
        CHECK(display.measured().segment_size == segment_size.bytes);
        CHECK(display.measured().at == display.status().updated);
        CHECK(display.measured().seconds.size() == 3);
        CHECK(display.measured().seconds.at("copy") >= 0);
    }
    SECTION("not what an earlier run did") {
        display.copies(0);
        replay(3, 4);
        CHECK(display.measured().bytes == 0);
        CHECK(display.measured().segments == 1);
    }
    SECTION("of a copy and a replay that were made again, the last one") {
        replay(0, 4);
        display.phase("copy");
        display.copies(0);
        replay(0, 2);
        CHECK(display.measured().bytes == 0);
        CHECK(display.measured().segments == 2);
    }
    SECTION("nothing of a phase that waited") {
        display.wait("away", 5s);
        replay(0, 4);
        CHECK(display.measured().bytes == 0);
        CHECK(display.measured().segments == 4);
        display.wait("away", 5s);
        display.phase("sync");
        display.wait("away", 5s);
        CHECK(display.measured().segments == 0);
    }
}

TEST_CASE("a replay to a time counts in the time of its commits") {
    const Restore restore;
    const auto amount = [&](const ReplayPosition& at, const std::string& first) {
        return replay_amount(restore.plan.wal.segments, time_target("2026-11-22 11:00:00+00"), at,
                             first.empty() ? std::nullopt : std::optional(Time::parse(first).value().at));
    };
    const auto unknown = amount(position(1), "");
    CHECK(unknown.planned == 0);
    const auto half = amount(position(3, "2026-11-22 10:30:00+00"), "2026-11-22 10:00:00+00");
    CHECK(half.unit == Unit::time);
    CHECK(half.planned == 3600);
    CHECK(half.done == 1800);
    CHECK(amount(position(3), "2026-11-22 10:00:00+00").done == 0);
    CHECK(amount(position(9, "2026-11-22 12:00:00+00"), "2026-11-22 10:00:00+00").done == 3600);
    // What has not come to the target is not all of it, however near it is.
    const auto near = amount(position(3, "2026-11-22 10:59:59.9+00"), "2026-11-22 10:59:59.5+00");
    CHECK(near.planned == 1);
    CHECK(near.done == 0);
    CHECK(amount(position(3), "2026-11-22 10:59:57.5+00").planned == 3);
    CHECK(amount(position(3), "2026-11-22 10:59:59.999999+00").planned == 1);
    CHECK(amount(position(3), "2026-11-22 11:00:00+00").planned == 0);
}
