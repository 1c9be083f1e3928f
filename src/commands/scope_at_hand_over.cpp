#include "commands/scope_at_hand_over.hpp"

#include "system/text.hpp"

#include <fmt/format.h>
#include <utility>
#include <vector>

namespace patroni_pgbackrest::commands {

namespace {

using patroni::InitializeKey;

HandOverVerdict refuse_hand_over(std::string why) {
    return {.failure = Failure(ExitCode::unsafe, std::move(why),
                               "the cluster went on without this restore; the staging directory is kept")};
}

/// Without this node's name, nobody is known to be another.
std::vector<std::string> others_that_bootstrap(const HandOverFacts& facts) {
    auto others = facts.dcs.bootstrapping;
    std::erase_if(others, [&](const std::string& name) { return facts.member.empty() || name == facts.member; });
    return others;
}

HandOverVerdict decide_on_others(const HandOverFacts& facts, const std::vector<std::string>& others) {
    const auto names = system::join(others, ", ");
    const auto message = fmt::format("{} bootstraps scope {} as well, or has a server of it", names, facts.scope);
    if (!facts.dcs.states_expire) {
        return {.warning =
                    Problem{message + "; on Kubernetes a dead pod's state stays as it was",
                            "see that only one node restores the cluster: two of them would write two histories"}};
    }
    if (!facts.asked_twice) {
        return {.ask_again_for = names};
    }
    return {.failure = Failure(ExitCode::unsafe, message,
                               "let one of them go on: stop Patroni on the other nodes, and start it here again; the "
                               "staging directory is kept")};
}

HandOverVerdict decide_without_key(const HandOverFacts& facts) {
    const auto message = fmt::format(
        "the initialize key of scope {} was removed while this restore worked (patronictl remove)", facts.scope);
    if (facts.caller == RestoreCaller::resume) {
        return {.failure = Failure(ExitCode::unsafe, message,
                                   "if no other node restores the cluster now, start Patroni again: it calls the "
                                   "bootstrap method itself, which goes on from here")};
    }
    return {.warning = Problem{message, "see that no other node restores the cluster now: two of them would write two "
                                        "histories"}};
}

}  // namespace

bool tells_as_much(const patroni::ScopeState& second, const patroni::ScopeState& first) {
    return second.leadership.why_unknown.empty() &&
           (second.initialize != InitializeKey::unknown || first.initialize == InitializeKey::unknown);
}

HandOverVerdict decide_hand_over(const HandOverFacts& facts) {
    const auto& dcs = facts.dcs;
    if (dcs.leadership.leader) {
        return refuse_hand_over(
            fmt::format("scope {} has a leader meanwhile: {}", facts.scope, *dcs.leadership.leader));
    }
    if (facts.caller == RestoreCaller::person) {
        return {};
    }
    if (dcs.initialize == InitializeKey::initialized) {
        return refuse_hand_over(fmt::format("scope {} was initialised meanwhile", facts.scope));
    }
    if (const auto others = others_that_bootstrap(facts); !others.empty()) {
        return decide_on_others(facts, others);
    }
    return dcs.initialize == InitializeKey::absent ? decide_without_key(facts) : HandOverVerdict{};
}

}  // namespace patroni_pgbackrest::commands
