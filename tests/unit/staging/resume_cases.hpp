#pragma once

#include "staging/resume_decision.hpp"
#include "support/requests.hpp"

#include <array>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <string>
#include <vector>

/// Every combination of what a node can see before its Patroni starts, for the test of the decision.
namespace patroni_pgbackrest::resume_cases {

using patroni::InitializeKey;
using postgres::ClusterState;

enum class Life { untouched, started, a_day };
enum class Dcs { not_asked, silent, answers };
enum class Who { nobody, this_node, another };
enum class Command { ours, script, script_with_more };
enum class Asks { for_latest_point, for_target, for_target_by_patroni };

constexpr unsigned own_timeline = 2;  ///< of what was handed over

/// One combination of what can be seen.
struct Case {
    bool journal = true;
    Phase phase = Phase::copying;
    bool begun = false, only_planned = false, given_up = false, rejected = false, not_accepted = false;
    bool never_led = false, in_mount_point = false;
    InPlace in_place = InPlace::nothing;
    bool patroni_replays = false;
    Life life = Life::untouched;
    ClusterState state = ClusterState::shut_down;
    Command command = Command::ours;
    Asks asks = Asks::for_latest_point;
    Dcs dcs = Dcs::not_asked;
    bool asked_twice = false;
    Who leader = Who::nobody;
    unsigned leader_timeline = 0;
    InitializeKey key = InitializeKey::unknown;
    bool configured = false, others = false;
    Who bootstraps = Who::nobody;

    bool is_handed_over() const { return phase == Phase::handed_over && in_place == InPlace::handed_over; }
    bool is_unfinished() const { return !is_handed_over() && (phase != Phase::handed_over || begun); }
    bool was_primary() const {
        return state != ClusterState::in_archive_recovery && state != ClusterState::shut_down_in_recovery;
    }
    /// Not by what pg_control says of the second in which the replay's server was stopped.
    bool never_started() const {
        return life == Life::untouched && (patroni_replays || state == ClusterState::shut_down);
    }
    bool has_leader() const { return leader != Who::nobody; }
    bool another_leads() const { return leader == Who::another; }
    bool another_bootstraps() const { return bootstraps == Who::another; }
    bool is_initialized() const { return key == InitializeKey::initialized; }
    /// No successor's for certain.
    bool leads_on_own_timeline() const { return has_leader() && leader_timeline <= own_timeline; }
    bool lives() const { return has_leader() || is_initialized(); }
};

/// What this program and Patroni never leave.
inline bool can_occur(const Case& at) {
    if (at.in_place == InPlace::handed_over && at.phase != Phase::handed_over) {
        return false;  // what is in place is compared with what was handed over only then
    }
    if (at.in_place == InPlace::whole && (at.phase != Phase::handing_over || at.given_up)) {
        return false;  // hand_over_is_done: what was given up meanwhile does not count
    }
    if (at.only_planned && (at.phase != Phase::copying || at.rejected || at.not_accepted)) {
        return false;  // a journal without a backup set has seen no copy
    }
    return !(at.begun && at.given_up);  // what begins is not given up any more, and what is given up has not begun
}

inline bool can_answer(const Case& at) {
    const bool needs_others = at.another_leads() || at.another_bootstraps();
    return (at.others || !needs_others) &&                        // they are members
           (at.has_leader() || at.leader_timeline == 0) &&        // it is the leader's
           !(at.key == InitializeKey::unknown && at.configured);  // one script reads both
}

using Visit = std::function<void(const Case&)>;
constexpr std::array no_or_yes = {false, true};

/// What a directory that was handed over may have come to.
inline void each_directory(Case at, const Visit& visit) {
    for (const auto state : {ClusterState::starting_up, ClusterState::shut_down, ClusterState::shut_down_in_recovery,
                             ClusterState::shutting_down, ClusterState::in_crash_recovery,
                             ClusterState::in_archive_recovery, ClusterState::in_production}) {
        for (const auto life : {Life::untouched, Life::started, Life::a_day}) {
            for (const bool patroni_replays : no_or_yes) {
                at.state = state;
                at.life = life;
                at.patroni_replays = patroni_replays;
                visit(at);
            }
        }
    }
}

inline void each_request(Case at, const Visit& visit) {
    for (const auto command : {Command::ours, Command::script, Command::script_with_more}) {
        for (const auto asks : {Asks::for_latest_point, Asks::for_target, Asks::for_target_by_patroni}) {
            at.command = command;
            at.asks = asks;
            visit(at);
        }
    }
}

/// Every node before the DCS is asked.
inline void each_node(const Visit& visit) {
    Case at;
    at.journal = false;
    visit(at);
    at.journal = true;
    for (unsigned flags = 0; flags < 128; ++flags) {
        at.begun = (flags & 1U) != 0;
        at.only_planned = (flags & 2U) != 0;
        at.given_up = (flags & 4U) != 0;
        at.rejected = (flags & 8U) != 0;
        at.not_accepted = (flags & 16U) != 0;
        at.never_led = (flags & 32U) != 0;
        at.in_mount_point = (flags & 64U) != 0;
        for (const auto phase : {Phase::copying, Phase::copied, Phase::replaying, Phase::recovered, Phase::handing_over,
                                 Phase::handed_over}) {
            for (const auto in_place :
                 {InPlace::nothing, InPlace::handed_over, InPlace::whole, InPlace::something_else}) {
                at.phase = phase;
                at.in_place = in_place;
                if (!can_occur(at)) {
                    continue;
                }
                if (at.is_handed_over()) {
                    each_directory(at, visit);
                } else if (at.is_unfinished() && in_place != InPlace::something_else) {
                    each_request(at, visit);
                } else {
                    visit(at);
                }
            }
        }
    }
}

/// Every answer of the DCS.
inline std::vector<Case> all_answers() {
    std::vector<Case> answers;
    Case at;
    at.dcs = Dcs::silent;
    answers.push_back(at);
    at.dcs = Dcs::answers;
    for (const auto leader : {Who::nobody, Who::this_node, Who::another}) {
        for (const unsigned timeline : {0U, own_timeline - 1, own_timeline, own_timeline + 1}) {
            for (const auto key :
                 {InitializeKey::absent, InitializeKey::empty, InitializeKey::initialized, InitializeKey::unknown}) {
                for (const bool configured : no_or_yes) {
                    for (const bool others : no_or_yes) {
                        for (const auto bootstraps : {Who::nobody, Who::this_node, Who::another}) {
                            at.leader = leader;
                            at.leader_timeline = timeline;
                            at.key = key;
                            at.configured = configured;
                            at.others = others;
                            at.bootstraps = bootstraps;
                            if (can_answer(at)) {
                                answers.push_back(at);
                            }
                        }
                    }
                }
            }
        }
    }
    return answers;
}

inline Case with_answer(Case at, const Case& answer, bool asked_twice) {
    at.dcs = answer.dcs;
    at.asked_twice = asked_twice;
    at.leader = answer.leader;
    at.leader_timeline = answer.leader_timeline;
    at.key = answer.key;
    at.configured = answer.configured;
    at.others = answer.others;
    at.bootstraps = answer.bootstraps;
    return at;
}

// What the program sees of it

inline std::string name_of(Who who) {
    return who == Who::another ? "node2" : "node1";
}

inline void see_dcs(const Case& at, ResumeFacts& facts) {
    facts.asked_twice = at.asked_twice;
    facts.dcs.reset();
    if (at.dcs == Dcs::not_asked) {
        return;
    }
    auto& dcs = facts.dcs.emplace();
    if (at.dcs == Dcs::silent) {
        dcs.leadership.why_unknown = "patronictl list exited with code 1";
        return;
    }
    if (at.has_leader()) {
        dcs.leadership.leader = name_of(at.leader);
    }
    dcs.leadership.timeline = at.leader_timeline;
    dcs.initialize = at.key;
    dcs.configured = at.configured;
    dcs.loop_wait = at.configured ? 20 : 0;
    dcs.members = at.others ? std::vector<std::string>{"node1", "node2"} : std::vector<std::string>{"node1"};
    if (at.bootstraps != Who::nobody) {
        dcs.bootstrapping = {name_of(at.bootstraps)};
    }
}

inline Request request_of(Asks asks) {
    auto request = asks == Asks::for_latest_point
                       ? request_for()
                       : request_for({{"type", "time"}, {"target", "2026-11-22 10:00:00+00"}});
    request.scope = "demo";
    request.recovery = asks == Asks::for_target_by_patroni ? Recovery::patroni : Recovery::standalone;
    return request;
}

inline Journal journal_of(const Case& at, const Request& request) {
    Journal journal;
    journal.scope = "demo";
    journal.member = "node1";
    journal.request = at.command == Command::script_with_more ? "something else" : identity_of(request);
    journal.backup_set = at.only_planned ? "" : "20261122-100000F";
    journal.phase = at.phase;
    if (at.begun) {
        journal.planning = BootstrapCall{"demo", "node1", journal.request};
    }
    journal.never_led = at.never_led;
    journal.given_up = at.given_up;
    journal.not_accepted = at.not_accepted;
    journal.handed_over = HandedOver{7, 1000000, 999000};
    journal.goal = RestoreGoal{request.target, {own_timeline - 1}, "", {}, false};
    if (at.rejected) {
        journal.rejected = Rejection{"probe 1 returned 'false'", "choose another target", 0};
    }
    if (!at.patroni_replays) {
        journal.reached = Reached{{own_timeline}, {}, "", std::nullopt};
    }
    return journal;
}

inline ResumeFacts see(const Case& at) {
    static const std::map<Asks, Request> requests{
        {Asks::for_latest_point, request_of(Asks::for_latest_point)},
        {Asks::for_target, request_of(Asks::for_target)},
        {Asks::for_target_by_patroni, request_of(Asks::for_target_by_patroni)}};
    ResumeFacts facts;
    facts.own_name = "node1";
    facts.loop_wait = 10;
    facts.layout = {"/data", "/data.restoring", "/data.restoring.d", false};
    if (at.in_mount_point) {
        facts.layout = {"/data", "/data/.restoring", "/data/.restoring.d", true};
    }
    facts.in_place = at.in_place;
    if (at.journal) {
        facts.journal = journal_of(at, requests.at(at.asks));
    }
    if (at.is_handed_over()) {
        facts.control.state = at.state;
        facts.control.timeline = {own_timeline};
        const std::int64_t after = at.life == Life::a_day ? 86401 : 1;
        facts.control.written_at = at.life == Life::untouched ? 999000 : 1000000 + after;
        facts.recovery_ended_at = 999000;
    }
    if (at.is_unfinished() && at.in_place != InPlace::something_else) {
        facts.request = requests.at(at.asks);
        facts.method = "pgbackrest";
        facts.is_script = at.command != Command::ours;
    }
    see_dcs(at, facts);
    return facts;
}

inline std::string text(const Case& at) {
    return fmt::format("journal {} phase {} begun {} planned {} given up {} rejected {} not accepted {} never led {} "
                       "mount point {}, in place {}, patroni replays {} life {} state {}, command {} asks {}, dcs {} "
                       "twice {} leader {} timeline {} key {} configured {} others {} bootstraps {}",
                       at.journal, text(at.phase), at.begun, at.only_planned, at.given_up, at.rejected, at.not_accepted,
                       at.never_led, at.in_mount_point, static_cast<int>(at.in_place), at.patroni_replays,
                       static_cast<int>(at.life), static_cast<int>(at.state), static_cast<int>(at.command),
                       static_cast<int>(at.asks), static_cast<int>(at.dcs), at.asked_twice, static_cast<int>(at.leader),
                       at.leader_timeline, static_cast<int>(at.key), at.configured, at.others,
                       static_cast<int>(at.bootstraps));
}

}  // namespace patroni_pgbackrest::resume_cases
