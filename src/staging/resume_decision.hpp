#pragma once

#include "patroni/dynamic_modes.hpp"
#include "patroni/members.hpp"
#include "postgres/control_data.hpp"
#include "request/request.hpp"
#include "staging/journal.hpp"
#include "staging/layout.hpp"
#include "system/failure.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// What stands where the data directory belongs.
enum class InPlace {
    nothing,         ///< Patroni calls it empty: absent, or nothing in it but dotfiles and lost+found
    handed_over,     ///< the very directory that was handed over
    whole,           ///< all of its data, but the journal still says handing over
    something_else,  ///< somebody's data
};

/// Somebody leads, or led: a restore that Patroni set aside, or that is unfinished, is over.
bool cluster_has_moved_on(const patroni::ScopeState& dcs);

/// What a node sees before its Patroni starts. The DCS is asked when the decision wants it, since that takes a while.
struct ResumeFacts {
    std::string own_name;    ///< Patroni's name for this node
    unsigned loop_wait = 0;  ///< of patroni.yml, in seconds
    Layout layout;
    std::optional<Journal> journal;  ///< of this scope and member; none: no bootstrap of this node is known
    InPlace in_place = InPlace::nothing;

    // Of what was handed over, and stands in its place.
    postgres::ControlFile control;
    std::optional<std::int64_t> recovery_ended_at;  ///< when its timeline's history file was written, since 1970
    system::Uptime uptime;

    // Of what is unfinished, unless somebody's data is in its place.
    std::optional<Request> request;             ///< what the method's block asks for
    std::string method;                         ///< the block's name
    bool is_script = false;                     ///< its command is not this program: options in it are not seen
    std::optional<PatronisCall> patronis_call;  ///< as it would be now

    std::optional<patroni::ScopeState> dcs;  ///< what it said last; none: not asked
    patroni::DynamicModes modes;             ///< of the configuration that counts then
    bool asked_twice = false;                ///< after the pause that ask_dcs_again wants

    /// Whether a bootstrap of this node was interrupted before its hand-over was over.
    bool is_unfinished() const;
    /// The first of these members that is not this node; empty when there is none.
    std::string other_than_own(const std::vector<std::string>& names) const;
    /// The scope that the DCS is asked about.
    std::string scope() const;
    /// What a person does to have the bootstrap method called again.
    std::string how_to_begin_anew() const;
};

enum class ResumeAction {
    start_patroni,           ///< nothing to be done: exit code 0
    discard_journal,         ///< the restore is over, or nothing of it is left: exit code 0
    abandon,                 ///< what is unfinished stays, and is never resumed: exit code 0
    remove_unfinished,       ///< the staging directory goes: a replica is made in an empty data directory: exit code 0
    refuse,                  ///< Patroni must not start: `failure`
    refuse_from_now_on,      ///< the same, and the journal says that Patroni did not accept it
    ask_dcs,                 ///< it has not been asked
    ask_dcs_until_it_tells,  ///< as often as may be tried, then `failure`
    ask_dcs_again,           ///< after `pause`: what other members do may not stand in it yet
    finish_hand_over,        ///< then look at everything anew
    continue_bootstrap,
};

struct ResumeVerdict {
    ResumeAction action = ResumeAction::start_patroni;
    std::string log{};  ///< one line; empty: there is nothing to tell
    std::optional<Problem> warning{};
    std::optional<Failure> failure{};
    std::chrono::seconds pause{0};
    bool cluster_lives = false;  ///< of abandon: tablespaces belong to whoever fills them next
};

/// What `resume` does before Patroni starts. Pure: no file, no clock, no DCS; docs/architecture.md, section resume, has
/// the rules in their order, and the test goes through every combination of what can be seen.
///
/// It rests on this (docs/patroni-contract.md has the sources):
/// - An `/initialize` key that a dead bootstrap left stays empty. Patroni never calls the bootstrap method for it
///   again, on no node, and waits for a leader for ever (ha.py bootstrap, 2.0 to 4.1). The key has no owner in it.
/// - A Patroni that finds a data directory starts it, whatever became of its bootstrap: as a standby first, then
///   promoted. post_bootstrap is skipped. It writes the key before it starts PostgreSQL (ha.py _run_cycle).
/// - A bootstrap that fails takes the key away, then renames the data directory; it cannot rename a mount point
///   (ha.py cancel_initialization, postgresql/__init__.py move_data_directory).
/// - What a member does stands in the DCS after its next cycle only: that it has taken the empty key (the state is set
///   after that cycle's touch_member), and the timeline to which a new leader promotes.
/// - For Patroni one timeline is one history: it rewinds from one timeline to another only (rewind.py).
/// - In pause Patroni starts no server, and writes no key (ha.py _run_cycle). What is handed over stands until it ends.
/// - What Patroni starts as a standby runs a race for the lead, where remainders of an earlier leader count; see
///   patroni/remainders.hpp. `patronictl failover` ends it.
/// - `/config` is written by post_bootstrap and by a leader. One that is there while the key is empty is a remainder,
///   and tells nothing later (Journal::never_led).
ResumeVerdict decide_resume(const ResumeFacts& facts);

}  // namespace patroni_pgbackrest
