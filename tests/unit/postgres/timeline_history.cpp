#include "postgres/timeline_history.hpp"

#include "support/catch.hpp"
#include "system/failure.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::postgres;

namespace {

std::string refusal_of(std::string_view text) {
    try {
        TimelineHistory::parse(Timeline{3}, text);
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::target_not_reachable);
        return failure.what();
    }
    return "accepted";
}

}  // namespace

TEST_CASE("a history file tells where each ancestor was left and why") {
    const auto history = TimelineHistory::parse(Timeline{3}, "1\t0/5000158\tbefore 2026-11-22 07:28:41.123+00\n"
                                                             "\n"
                                                             "# a comment\n"
                                                             "2\t0/A0000A0\tat restore point \"before the upgrade\"\n");
    REQUIRE(history.forks.size() == 2);
    CHECK(history.timeline == Timeline{3});
    CHECK(history.forks[0].parent == Timeline{1});
    CHECK(history.forks[0].at == Lsn{0x5000158});
    CHECK(history.forks[0].reason == "before 2026-11-22 07:28:41.123+00");
    CHECK(history.forks[1].parent == Timeline{2});
    CHECK(history.forks[1].at == Lsn{0xA0000A0});
    CHECK(history.forks[1].reason == "at restore point \"before the upgrade\"");
}

TEST_CASE("a history in a line") {
    const TimelineHistory history{Timeline{3},
                                  {{Timeline{1}, Lsn{0x5000000}, "a reason"}, {Timeline{2}, Lsn{0x7000000}, ""}}};
    CHECK(history.text() == "3, from 1 at 0/5000000, from 2 at 0/7000000");
    CHECK(TimelineHistory{Timeline{1}, {}}.text() == "1");
}

TEST_CASE("a history file may lack reasons, a last line end, or everything") {
    const auto history = TimelineHistory::parse(Timeline{2}, "  1 0/5000158");
    REQUIRE(history.forks.size() == 1);
    CHECK(history.forks[0].reason.empty());
    CHECK(TimelineHistory::parse(Timeline{1}, "").forks.empty());
    CHECK(TimelineHistory::parse(Timeline{2}, "1\t0/5000158\tno recovery target specified\r\n").forks[0].reason ==
          "no recovery target specified");
}

TEST_CASE("what PostgreSQL would not read as a history file is refused with its line") {
    CHECK(refusal_of("<html>\n") == "00000003.history is not a timeline history file: line 1: \"<html>\" is not a "
                                    "timeline");
    CHECK(refusal_of("1\t0/5000158\tx\n0\t0/6000000\tx\n") ==
          "00000003.history is not a timeline history file: line 2: \"0\" is not a timeline");
    CHECK(refusal_of("1\tbefore noon\n") ==
          "00000003.history is not a timeline history file: line 1: \"before\" is not a WAL location");
    CHECK(refusal_of("1\n") == "00000003.history is not a timeline history file: line 1: \"\" is not a WAL location");
    CHECK(refusal_of("2\t0/5000158\tx\n1\t0/6000000\tx\n") ==
          "00000003.history is not a timeline history file: line 2: timelines must be in increasing order");
    CHECK(refusal_of("1\t0/5000158\tx\n1\t0/6000000\tx\n") ==
          "00000003.history is not a timeline history file: line 2: timelines must be in increasing order");
    CHECK(refusal_of("3\t0/5000158\tx\n") ==
          "00000003.history is not a timeline history file: line 1: timelines must be less than the one of the file's "
          "name");
    CHECK(refusal_of("4294967296\t0/0\tx\n") ==
          "00000003.history is not a timeline history file: line 1: \"4294967296\" is not a timeline");
}

TEST_CASE("a place in the WAL belongs to a timeline's past up to the fork") {
    const auto history = TimelineHistory::parse(Timeline{5}, "1\t0/5000000\tx\n3\t0/A000000\tx\n");
    CHECK(history.contains(Timeline{1}, Lsn{0}));
    CHECK(history.contains(Timeline{1}, Lsn{0x5000000}));
    CHECK_FALSE(history.contains(Timeline{1}, Lsn{0x5000001}));
    CHECK_FALSE(history.contains(Timeline{2}, Lsn{0x4000000}));
    CHECK_FALSE(history.contains(Timeline{3}, Lsn{0x4FFFFFF}));
    CHECK(history.contains(Timeline{3}, Lsn{0x5000000}));
    CHECK(history.contains(Timeline{3}, Lsn{0xA000000}));
    CHECK_FALSE(history.contains(Timeline{3}, Lsn{0xA000001}));
    CHECK_FALSE(history.contains(Timeline{5}, Lsn{0x9FFFFFF}));
    CHECK(history.contains(Timeline{5}, Lsn{0xA000000}));
    CHECK_FALSE(history.contains(Timeline{6}, Lsn{0xB000000}));
    CHECK(history.fork_from(Timeline{3})->at == Lsn{0xA000000});
    CHECK(history.fork_from(Timeline{5}) == nullptr);
    CHECK(history.fork_from(Timeline{2}) == nullptr);
    CHECK(TimelineHistory{Timeline{1}, {}}.contains(Timeline{1}, Lsn{0}));
}

TEST_CASE("timelines that were passed by are not in the past as it happened") {
    const auto text = [](const char* written) {
        std::string result;
        for (const auto& fork : TimelineHistory::parse(Timeline{5}, written).as_it_happened().forks) {
            result += fork.parent.text() + "@" + fork.at.text() + " ";
        }
        return result;
    };
    CHECK(text("1\t0/3000000\ta\n2\t0/5000000\tb\n") == "1@0/3000000 2@0/5000000 ");
    CHECK(text("1\t0/5000000\ta\n2\t0/3000000\tb\n") == "1@0/3000000 ");
    CHECK(text("1\t0/3000000\ta\n2\t0/8000000\tb\n3\t0/5000000\tc\n") == "1@0/3000000 2@0/5000000 ");
    CHECK(text("1\t0/6000000\ta\n2\t0/8000000\tb\n3\t0/5000000\tc\n") == "1@0/5000000 ");
    CHECK(text("").empty());
}

TEST_CASE("two histories differ in the first fork that they tell differently, not in their reasons") {
    const auto history = [](const char* text) { return TimelineHistory::parse(Timeline{5}, text); };
    const auto at = [](const TimelineFork* fork) { return fork == nullptr ? "" : fork->at.text(); };
    const auto one = history("1\t0/5000158\tbefore 2026-11-22 07:28:41.123+00\n3\t0/A000000\tx\n");
    CHECK(one.fork_unlike(history("# a remark\n  1  0/5000158\n\n3\t0/A000000\ty\r\n")) == nullptr);
    CHECK(at(one.fork_unlike(history("1\t0/5000160\tx\n3\t0/A000000\tx\n"))) == "0/5000158");
    CHECK(at(one.fork_unlike(history("1\t0/5000158\tx\n2\t0/A000000\tx\n"))) == "0/A000000");
    CHECK(at(one.fork_unlike(history("1\t0/5000158\tx\n"))) == "0/A000000");
    CHECK(at(history("1\t0/5000158\tx\n").fork_unlike(one)) == "0/5000158");
}
