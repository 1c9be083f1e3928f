#include "replay/beginning.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"

#include <vector>

using namespace patroni_pgbackrest;
using postgres::ClusterState;
using postgres::Timeline;

namespace {

constexpr Timeline planned{2};
const std::vector<ClusterState> all_states = {ClusterState::starting_up,           ClusterState::shut_down,
                                              ClusterState::shut_down_in_recovery, ClusterState::shutting_down,
                                              ClusterState::in_crash_recovery,     ClusterState::in_archive_recovery,
                                              ClusterState::in_production};

Start decided(Phase phase, ClusterState state, std::uint32_t timeline, bool same_boot = true,
              bool has_backup_label = false) {
    postgres::ControlData control;
    control.state = state;
    control.timeline = Timeline{timeline};
    return decide_start(phase, control, planned, same_boot, has_backup_label);
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

TEST_CASE("a recovery whose server was stopped before it wrote pg_control begins once more in the same copy") {
    for (const auto state : all_states) {
        for (const std::uint32_t timeline : {1U, 2U}) {
            CAPTURE(static_cast<int>(state), timeline);
            const bool is_of_backup = state == ClusterState::in_production;
            const bool unfinished =
                state == ClusterState::in_archive_recovery || state == ClusterState::shut_down_in_recovery;
            const auto start = decided(Phase::replaying, state, timeline, true, true);
            CHECK(start == (is_of_backup || unfinished ? Start::replay : Start::copy));
            CHECK(decided(Phase::replaying, state, timeline, false, true) == Start::copy);
        }
    }
    for (const auto phase : {Phase::recovered, Phase::handing_over}) {
        CHECK(decided(phase, ClusterState::in_production, 2, true, true) == Start::copy);
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

TEST_CASE("a promoted directory is only finished, also when that was done, since patroni.yml may have other roles") {
    for (const auto state : all_states) {
        for (const auto phase : {Phase::replaying, Phase::recovered, Phase::handing_over}) {
            CAPTURE(static_cast<int>(state), static_cast<int>(phase));
            CHECK(decided(phase, state, 3) == Start::finish);
        }
        CHECK(decided(Phase::handing_over, state, 3, false) == Start::finish);  // it was flushed before
    }
}

namespace {

Request request_of(Recovery recovery, bool latest = true) {
    auto request = request_for();
    request.recovery = recovery;
    if (!latest) {
        request.target = {Immediate{}};
    }
    return request;
}

/// What a run that ended in this phase left, whole and of this boot.
Seen after(const Plan& plan, Phase phase, ClusterState state, std::uint32_t timeline) {
    Seen seen;
    seen.earlier = Journal{};
    seen.earlier->backup_set = plan.backup.label;
    seen.earlier->phase = phase;
    seen.earlier->goal = RestoreGoal{{Latest{}}, plan.timeline(), plan.wal.last(), plan.segment_size, false};
    seen.is_cluster = true;
    seen.control = postgres::ControlData{};
    seen.control->state = state;
    seen.control->timeline = Timeline{timeline};
    seen.same_boot = true;
    return seen;
}

/// In one word, with what is said about it.
std::string words(const Beginning& beginning) {
    if (const auto* copy = std::get_if<Copy>(&beginning)) {
        return (copy->level == log::Level::warning ? "copy, warning: " : "copy: ") + copy->why;
    }
    return std::get<Continue>(beginning).start == Start::replay ? "replay" : "finish";
}

Plan usual_plan() {
    return make_plan(request_for(), one_timeline());
}

std::string decided(const Plan& plan, const Seen& seen) {
    return words(decide_beginning(request_of(Recovery::standalone), plan, seen));
}

}  // namespace

TEST_CASE("what gives something else the second time is not replayed again") {
    const auto plan = make_plan(request_for(), one_timeline());
    auto seen = after(plan, Phase::replaying, ClusterState::in_archive_recovery, plan.timeline().number);
    CHECK(decided(plan, seen) == "replay");
    seen.is_repeatable = false;
    CHECK(decided(plan, seen).find("gives something else the second time") != std::string::npos);
}

TEST_CASE("what lies outside of the staging directory must be as it was left, or the copy is checked") {
    const auto plan = usual_plan();
    for (const auto phase : {Phase::copied, Phase::replaying, Phase::recovered, Phase::handing_over}) {
        auto seen = after(plan, phase, ClusterState::shut_down, 2);
        CHECK(decided(plan, seen).find("copy") == std::string::npos);
        seen.places_changed = true;
        CHECK(decided(plan, seen).starts_with("copy: a directory of the earlier run outside"));
    }
}

TEST_CASE("what was replayed along other timelines than the plan's is not gone on with") {
    const auto plan = usual_plan();
    for (const auto phase : {Phase::replaying, Phase::recovered, Phase::handing_over}) {
        auto seen = after(plan, phase, ClusterState::shut_down, 2);
        seen.earlier->followed = plan.history.text();
        CHECK(decided(plan, seen).find("copy") == std::string::npos);
        seen.earlier->followed = "1, from 7 at 0/5000000";
        CHECK(decided(plan, seen) ==
              "copy: an earlier run followed timeline 1, from 7 at 0/5000000, and the plan is timeline 1: what it left "
              "is checked against the backup first");
        seen.earlier->phase = Phase::copied;
        seen.control->timeline = Timeline{1};
        CHECK(decided(plan, seen) == "replay");
    }
}

TEST_CASE("where there is nothing of an earlier run, or of another request only, everything is copied") {
    const auto plan = usual_plan();
    CHECK(decided(plan, Seen{}) == "copy: ");
    auto other = after(plan, Phase::recovered, ClusterState::shut_down, 2);
    other.earlier.reset();
    CHECK(decided(plan, other) == "copy: ");
}

TEST_CASE("an earlier run's copy is gone on with where decide_start says, and only when it is of this plan") {
    const auto plan = usual_plan();
    for (const auto recovery : {Recovery::standalone, Recovery::patroni}) {
        for (const auto phase :
             {Phase::copying, Phase::copied, Phase::replaying, Phase::recovered, Phase::handing_over}) {
            for (const auto state : all_states) {
                for (const std::uint32_t timeline : {1U, 2U}) {
                    for (const bool same_boot : {true, false}) {
                        CAPTURE(static_cast<int>(phase), static_cast<int>(state), timeline, same_boot);
                        auto seen = after(plan, phase, state, timeline);
                        seen.same_boot = same_boot;
                        const auto begins = [&] { return decide_beginning(request_of(recovery), plan, seen); };
                        const auto start = decide_start(phase, *seen.control, plan.timeline(), same_boot, false);
                        const auto beginning = begins();
                        const auto* on = std::get_if<Continue>(&beginning);
                        CHECK((on != nullptr) == (start != Start::copy));
                        CHECK((on == nullptr || on->start == start));
                        CHECK((on != nullptr || std::holds_alternative<Copy>(beginning)));
                        seen.is_cluster = false;
                        CHECK(words(begins()) == "copy: ");
                        seen.is_cluster = true;
                        seen.earlier->backup_set = "20261122-080000F";
                        CHECK(words(begins()) == "copy: ");
                    }
                }
            }
        }
    }
}

TEST_CASE("a copy that is made again although there was one says why") {
    const auto plan = usual_plan();
    auto seen = after(plan, Phase::replaying, ClusterState::in_archive_recovery, 1);
    CHECK(decided(plan, seen) == "replay");
    seen.same_boot = false;
    CHECK(decided(plan, seen) ==
          "copy: the machine was started or the disk mounted anew since the earlier run, which flushed "
          "nothing to disk: its copy is checked against the backup first");
    seen.control.reset();
    seen.why_unreadable = "pg_controldata failed";
    CHECK(decided(plan, seen).starts_with("copy: the machine was started"));
    seen.same_boot = true;
    CHECK(decided(plan, seen) ==
          "copy, warning: what an earlier run left cannot be used as it is: pg_controldata failed");
    seen.earlier->phase = Phase::copying;
    CHECK(decided(plan, seen) == "copy: ");
}

TEST_CASE("what an earlier run recovered counts until the archive has something newer") {
    const auto plan = usual_plan();
    auto newer = plan;
    const auto begins = [&](bool latest, std::uint32_t timeline) {
        return words(decide_beginning(request_of(Recovery::standalone, latest), newer,
                                      after(plan, Phase::recovered, ClusterState::shut_down, timeline)));
    };
    const std::string prefix = "copy: what an earlier run recovered is out of date, ";
    for (const bool latest : {true, false}) {
        CHECK(begins(latest, 2) == "finish");
    }
    newer.wal.ranges.back().last = segment(1, 10);
    CHECK(begins(true, 2) == prefix + "the archive has newer WAL: only its files are used");
    CHECK(begins(false, 2) == "finish");
    CHECK(begins(true, 1) == "copy: ");  // not promoted, so nothing that could be out of date
    newer = plan;
    newer.archive_end.histories.insert(Timeline{2});
    for (const bool latest : {true, false}) {
        CHECK(begins(latest, 2) == prefix + "timeline 2 is in the archive meanwhile: only its files are used");
    }
    newer = plan;
    newer.wal.ranges.back().last = segment(1, 10);
    auto older_version = after(plan, Phase::recovered, ClusterState::shut_down, 2);
    older_version.earlier->goal.reset();
    CHECK(words(decide_beginning(request_of(Recovery::standalone), newer, older_version)) == "finish");
}

TEST_CASE("what was recovered counts no more when nearest means another point with newer WAL") {
    const auto plan = usual_plan();
    auto newer = plan;
    newer.wal.ranges.back().last = segment(1, 10);
    auto seen = after(plan, Phase::recovered, ClusterState::shut_down, 2);
    auto request = request_of(Recovery::standalone);
    request.target.ends_with_plan = seen.earlier->goal->target.ends_with_plan = true;
    CHECK(words(decide_beginning(request, plan, seen)) == "finish");
    const std::string outdated =
        "copy: what an earlier run recovered is out of date, the archive has newer WAL: only its files are used";
    CHECK(words(decide_beginning(request, newer, seen)) == outdated);
    request.target = time_target("2026-11-22 12:30:00Z");  // the newer WAL reaches it
    CHECK(words(decide_beginning(request, newer, seen)) == outdated);
}

TEST_CASE("what Patroni set aside is only finished when it is whole, the newest, and never came up") {
    const auto plan = usual_plan();
    int again = 0;
    for (const auto recovery : {Recovery::standalone, Recovery::patroni}) {
        for (const bool newest : {true, false}) {
            for (const bool readable : {true, false}) {
                for (const bool signal : {true, false}) {
                    for (const bool came_up : {true, false}) {
                        for (const auto state : all_states) {
                            auto seen = after(plan, Phase::handed_over, state, 2);
                            seen.earlier.reset();
                            seen.taken_back = TakenBack{newest, came_up};
                            seen.has_signal_file = signal;
                            if (!readable) {
                                seen.control.reset();
                            }
                            const auto beginning = decide_beginning(request_of(recovery), plan, seen);
                            const bool whole = recovery == Recovery::standalone && newest && readable && !signal;
                            CAPTURE(whole, came_up, static_cast<int>(state));
                            const auto* on = std::get_if<Continue>(&beginning);
                            CHECK((on != nullptr) == (whole && !came_up && state == ClusterState::shut_down));
                            CHECK((on == nullptr || on->start == Start::finish));  // with the roles of today
                            again += on != nullptr ? 1 : 0;
                        }
                    }
                }
            }
        }
    }
    CHECK(again == 1);
}

TEST_CASE("why only the files of what Patroni set aside are used is said where it is no matter of course") {
    const auto plan = usual_plan();
    Seen seen = after(plan, Phase::handed_over, ClusterState::shut_down, 2);
    seen.earlier.reset();
    seen.taken_back = TakenBack{true, false};
    CHECK(decided(plan, seen) == "finish");
    seen.has_signal_file = true;
    CHECK(decided(plan, seen) == "copy: ");
    seen.taken_back->came_up = true;
    CHECK(decided(plan, seen) ==
          "copy: PostgreSQL came up in it, and what was written since is not asked for: only its files are used");
    seen.control.reset();
    seen.why_unreadable = "PG_VERSION is missing";
    CHECK(decided(plan, seen) == "copy, warning: it cannot be used as it is: PG_VERSION is missing");
    seen.taken_back->is_newest = false;
    CHECK(decided(plan, seen) == "copy, warning: the archive has newer WAL than it: only its files are used");
    CHECK(words(decide_beginning(request_of(Recovery::patroni), plan, seen)) == "copy: ");
}
