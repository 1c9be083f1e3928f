#include "replay/replay.hpp"
#include "support/catch.hpp"

#include <vector>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest;
using postgres::ClusterState;
using postgres::Timeline;

namespace {

constexpr Timeline planned{2};
const std::vector<ClusterState> all_states = {ClusterState::starting_up,           ClusterState::shut_down,
                                              ClusterState::shut_down_in_recovery, ClusterState::shutting_down,
                                              ClusterState::in_crash_recovery,     ClusterState::in_archive_recovery,
                                              ClusterState::in_production};

Start decided(Phase phase, ClusterState state, std::uint32_t timeline, bool same_boot = true) {
    postgres::ControlData control;
    control.state = state;
    control.timeline = Timeline{timeline};
    return decide_start(phase, control, planned, same_boot);
}

}  // namespace

TEST_CASE("a copy that is not complete, or older than the last boot, is continued from the repository") {
    for (const auto state : all_states) {
        for (const std::uint32_t timeline : {1U, 2U, 3U}) {
            CAPTURE(static_cast<int>(state), timeline);
            CHECK(decided(Phase::copying, state, timeline) == Start::copy);
            for (const auto phase : {Phase::copying, Phase::copied, Phase::replaying, Phase::recovered}) {
                CHECK(decided(phase, state, timeline, false) == Start::copy);
            }
        }
    }
}

TEST_CASE("a complete copy that no server has touched is replayed") {
    for (const auto state : all_states) {
        CHECK(decided(Phase::copied, state, 1) == Start::replay);
        CHECK(decided(Phase::copied, state, 2) == Start::replay);
    }
}

TEST_CASE("an unfinished recovery goes on") {
    for (const std::uint32_t timeline : {1U, 2U}) {
        CHECK(decided(Phase::replaying, ClusterState::in_archive_recovery, timeline) == Start::replay);
        CHECK(decided(Phase::replaying, ClusterState::shut_down_in_recovery, timeline) == Start::replay);
    }
}

TEST_CASE("any other state on the plan's timeline goes back to the repository") {
    for (const auto state : {ClusterState::starting_up, ClusterState::shut_down, ClusterState::shutting_down,
                             ClusterState::in_crash_recovery, ClusterState::in_production}) {
        CAPTURE(static_cast<int>(state));
        CHECK(decided(Phase::replaying, state, 2) == Start::copy);
        CHECK(decided(Phase::recovered, state, 2) == Start::copy);
    }
}

TEST_CASE("a promoted directory is only finished, and left alone when that was done") {
    for (const auto state : all_states) {
        CAPTURE(static_cast<int>(state));
        CHECK(decided(Phase::replaying, state, 3) == Start::finish);
        CHECK(decided(Phase::recovered, state, 3) ==
              (state == ClusterState::shut_down ? Start::nothing : Start::finish));
    }
}
