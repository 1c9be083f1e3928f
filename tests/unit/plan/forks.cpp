#include "plan/forks.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;
using postgres::Lsn;
using postgres::Timeline;
using postgres::WalEnd;
using postgres::WalEndReason;

namespace {

const Lsn fork_at{0x7000158};

/// Why latest is refused; empty when it is not.
std::string refusal(const RepositoryState& state, const RecoveryTarget& target = {Latest{}}) {
    const auto problems = problems_of(ExitCode::target_not_reachable, [&] { make_plan(asking_for(target), state); });
    return problems.empty() ? "" : problems.front().message;
}

bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

void erase_segments(RepositoryState& state, std::uint32_t timeline, std::uint64_t first, std::uint64_t last) {
    for (auto number = first; number <= last; ++number) {
        remove_segment(state.archive, segment(timeline, number));
    }
}

/// Timeline 2 has its history, and nothing else is in the archive from the fork's segment on.
RepositoryState lost_behind_the_fork() {
    auto state = two_timelines();
    erase_segments(state, 2, 7, 10);
    erase_segments(state, 1, 7, 9);
    state.archive.last_segments = {{Timeline{1}, {segment(1, 6), 0}}};
    return state;
}

}  // namespace

TEST_CASE("a fork whose segment says the same as the history is sound") {
    CHECK(refusal(two_timelines()).empty());
}

TEST_CASE("a fork whose segment says something else than the history is refused") {
    auto state = two_timelines();
    auto& facts = wal_of(state).content[segment(2, 7)];
    SECTION("another parent") {
        facts.timeline_switches.front().what.from = Timeline{9};
        CHECK(holds(refusal(state), "its WAL says in " + segment(2, 7) + " that it left timeline 9 at 0/7000158"));
    }
    SECTION("an earlier place") {
        facts.timeline_switches.front().start = Lsn{0x7000100};
        CHECK(holds(refusal(state), "that it left timeline 1 at 0/7000100"));
    }
    SECTION("a later place") {
        facts.timeline_switches.front().start = Lsn{fork_at.value + 160};
        CHECK(refusal(state).empty());
        facts.timeline_switches.front().start = Lsn{fork_at.value + 168};
        CHECK(holds(refusal(state), "that it left timeline 1 at 0/7000200"));
    }
    SECTION("no timeline begins in it") {
        facts.timeline_switches.clear();
        facts.last_record = Lsn{0x7000300};
        CHECK(holds(refusal(state), "does not say that a timeline begins there"));
    }
}

TEST_CASE("the parent's segment is no substitute for the child's, unless it ends at the fork") {
    auto state = two_timelines();
    SECTION("the child goes on in the archive") {
        erase_segments(state, 2, 7, 7);
        CHECK(holds(refusal(state),
                    segment(2, 7) + ", with which it begins, is not in the archive, and " + segment(2, 8) + " is"));
        CHECK(refusal(state, lsn_target("0/7000100")).empty());
    }
    SECTION("nothing of the child is there") {
        erase_segments(state, 2, 7, 10);
        state.archive.last_segments.erase(Timeline{2});
        auto& parent = wal_of(state).content[segment(1, 7)];
        parent.last_record = fork_at;
        CHECK(holds(refusal(state), segment(1, 7) + " holds what timeline 1 wrote behind the fork"));
        parent.last_record = Lsn{0x7000100};
        parent.first_page.emplace();
        parent.end = WalEnd{.reason = WalEndReason::zeros, .valid_until = fork_at, .at = fork_at};
        erase_segments(state, 1, 8, 9);
        CHECK(refusal(state).empty());
        parent.end->valid_until = Lsn{0x7000120};
        CHECK(holds(refusal(state), segment(1, 7) + " ends at 0/7000120"));
    }
}

TEST_CASE("without the fork's segment nothing before the fork may be lost") {
    auto state = lost_behind_the_fork();
    CHECK(
        holds(refusal(state), "neither WAL segment " + segment(1, 7) + " nor " + segment(2, 7) + " is in the archive"));
    CHECK(refusal(state, {Immediate{}}).empty());
    SECTION("it lies at the segment's beginning") {
        for (const std::uint64_t at : {0x7000000ULL, 0x7000028ULL}) {
            state.archive.histories[Timeline{2}].forks[0].at = Lsn{at};
            CHECK(refusal(state).empty());
        }
    }
    SECTION("a partial segment with rows") {
        state.archive.partials[segment(1, 7)] = {1, segment(1, 7) + ".partial-0123"};
        wal_of(state).content[segment(1, 7) + ".partial"].records = 2;
        CHECK(holds(refusal(state), segment(1, 7) + ".partial alone"));
    }
    SECTION("a partial segment that holds the old primary's last checkpoint") {
        state.archive.partials[segment(1, 7)] = {1, segment(1, 7) + ".partial-0123"};
        auto& facts = wal_of(state).content[segment(1, 7) + ".partial"];
        facts.records = 1;
        facts.last_checkpoint = {Lsn{0x7000028}, Lsn{0x70000A0}, {true, {}, {}, {}, {}}};
        CHECK(refusal(state).empty());
        facts.last_checkpoint->what.shutdown = false;
        CHECK_FALSE(refusal(state).empty());
    }
    SECTION("right behind where a clean shutdown ends, and nothing shows what was there") {
        state.archive.histories[Timeline{2}].forks[0].at = Lsn{0x70000A0};
        CHECK_FALSE(refusal(state).empty());
    }
}

TEST_CASE("a fork behind an LSN target does not matter") {
    auto state = lost_behind_the_fork();
    CHECK(refusal(state, lsn_target("0/6800000")).empty());
}

TEST_CASE("a fork between an LSN target and the record that it is reached with matters") {
    // The orphan's segment is there, the new timeline's is not.
    auto state = lost_behind_the_fork();
    add_segments(state.archive, 1, 7, 7);
    auto& wal = wal_of(state);
    wal.content[segment(1, 7)].last_record = Lsn{0x7002000};
    wal.records[segment(1, 7)] = {{Lsn{0x7000100}, Lsn{0x7000158}}, {Lsn{0x7000158}, Lsn{0x7000200}}};
    CHECK(refusal(state, lsn_target("0/7000100")).empty());
    CHECK_FALSE(refusal(state, lsn_target("0/7000108")).empty());
    CHECK_FALSE(refusal(state, lsn_target("0/7000158")).empty());
    // Behind the end of the segment before.
    wal.content[segment(1, 6)].last_record = Lsn{0x6001000};
    wal.records[segment(1, 6)] = {{Lsn{0x6001000}, Lsn{0x6001040}}};
    CHECK(refusal(state, lsn_target("0/6001000")).empty());
    CHECK(refusal(state, lsn_target("0/6001040")).empty());
    wal.records[segment(1, 7)] = {{Lsn{0x7000158}, Lsn{0x7000200}}};
    CHECK_FALSE(refusal(state, lsn_target("0/6001040")).empty());
}

TEST_CASE("histories on the way must not contradict each other") {
    auto state = two_timelines();
    const Timeline third{3};
    state.archive.histories[third] = {third, {{Timeline{1}, fork_at, ""}, {Timeline{2}, Lsn{0x9000000}, ""}}};
    add_segments(state.archive, 3, 9, 12);
    wal_of(state).commit(3, 12, "2026-11-22 13:00:00Z");
    CHECK(refusal(state).empty());
    state.archive.histories[Timeline{2}].forks[0].at = Lsn{0x7000100};
    CHECK(refusal(state) == "00000002.history and 00000003.history contradict each other about the past of timeline 2");
}
