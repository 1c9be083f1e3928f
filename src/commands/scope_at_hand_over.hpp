#pragma once

#include "patroni/members.hpp"
#include "system/failure.hpp"

#include <optional>
#include <string>

namespace patroni_pgbackrest::commands {

/// Who calls for the restore, and what the initialize key is then.
enum class RestoreCaller {
    person,   ///< it is whatever it was
    patroni,  ///< empty: Patroni took it for this restore
    resume,   ///< empty: it was left over by the interrupted one
};

/// What is known of the cluster just before the hand-over.
struct HandOverFacts {
    std::string scope;
    std::string member;  ///< Patroni's name of this node; empty if it is not known
    RestoreCaller caller = RestoreCaller::person;
    bool asked_twice = false;  ///< the second time after a TTL
    patroni::ScopeState dcs;   ///< that has answered
};

struct HandOverVerdict {
    std::optional<Failure> failure{};
    std::optional<Problem> warning{};
    /// The members for which the DCS is asked again after a TTL, since one that died stands there until then; else
    /// empty.
    std::string ask_again_for{};
};

/// Whether the cluster has gone on without this restore, or another node restores it as well: two histories of one
/// timeline then. Pure. It rests on this (ha.py, 2.0 to 4.1): from Patroni's call until post_bootstrap has ended, the
/// key is there and empty; only another node writes a system identifier into it meanwhile, and only a person removes
/// it. Where it is gone, Patroni's own bootstrap writes it at its end, while what `resume` hands over is never accepted
/// (decide_resume): without that, Patroni calls the method anew. Whoever calls `bootstrap` by hand has no key, and may
/// restore a scope that is initialised: a leader alone counts.
HandOverVerdict decide_hand_over(const HandOverFacts& facts);

/// Whether a second answer may take the place of the first: one that tells less clears nobody.
bool tells_as_much(const patroni::ScopeState& second, const patroni::ScopeState& first);

}  // namespace patroni_pgbackrest::commands
