#include "commands/scope_at_hand_over.hpp"

#include "support/catch.hpp"
#include "support/requests.hpp"

using namespace patroni_pgbackrest;
using patroni::InitializeKey;

namespace {

/// As Patroni's own call finds it at the end.
commands::HandOverFacts facts_of_a_call() {
    commands::HandOverFacts facts;
    facts.scope = "demo";
    facts.member = "node1";
    facts.caller = commands::RestoreCaller::patroni;
    facts.dcs.initialize = InitializeKey::empty;
    facts.dcs.members = {"node1", "node2"};
    facts.dcs.bootstrapping = {"node1"};
    return facts;
}

/// `refuses MESSAGE`, `warns MESSAGE`, `asks again for NAMES`, or empty.
std::string decided(const commands::HandOverFacts& facts) {
    const auto verdict = commands::decide_hand_over(facts);
    if (verdict.failure) {
        CHECK(verdict.failure->code() == ExitCode::unsafe);
        CHECK_FALSE(verdict.failure->problems().front().hint.empty());
        return std::string("refuses ") + verdict.failure->what();
    }
    if (verdict.warning) {
        CHECK_FALSE(verdict.warning->hint.empty());
        return "warns " + verdict.warning->message;
    }
    return verdict.ask_again_for.empty() ? "" : "asks again for " + verdict.ask_again_for;
}

}  // namespace

TEST_CASE("a restore whose key is empty, and that is alone, is handed over") {
    auto facts = facts_of_a_call();
    CHECK(decided(facts).empty());
    facts.caller = commands::RestoreCaller::resume;
    facts.dcs.bootstrapping.clear();  // Patroni does not run yet
    CHECK(decided(facts).empty());
    facts.dcs.initialize = InitializeKey::unknown;  // a wrapper of patronictl
    CHECK(decided(facts).empty());
}

TEST_CASE("a leader, or an initialised key, ends a restore that Patroni called or resume goes on with") {
    auto facts = facts_of_a_call();
    facts.dcs.initialize = InitializeKey::initialized;
    CHECK(decided(facts) == "refuses scope demo was initialised meanwhile");
    facts.caller = commands::RestoreCaller::resume;
    CHECK(decided(facts) == "refuses scope demo was initialised meanwhile");
    facts.dcs.leadership.leader = "node2";
    CHECK(decided(facts) == "refuses scope demo has a leader meanwhile: node2");
    facts.dcs.initialize = InitializeKey::empty;
    CHECK(decided(facts) == "refuses scope demo has a leader meanwhile: node2");
}

TEST_CASE("another member that bootstraps ends it, once it cannot be one that died") {
    auto facts = facts_of_a_call();
    facts.dcs.bootstrapping = {"node1", "node2"};
    CHECK(decided(facts) == "asks again for node2");
    facts.asked_twice = true;
    CHECK(decided(facts) == "refuses node2 bootstraps scope demo as well, or has a server of it");
    facts.dcs.initialize = InitializeKey::absent;  // patronictl remove, and the other has not taken the key yet
    CHECK(decided(facts) == "refuses node2 bootstraps scope demo as well, or has a server of it");
    facts.member.clear();
    facts.dcs.initialize = InitializeKey::empty;
    CHECK(decided(facts).empty());
}

TEST_CASE("on Kubernetes, where nothing expires, it is told") {
    auto facts = facts_of_a_call();
    facts.dcs.bootstrapping = {"node2"};
    facts.dcs.states_expire = false;
    CHECK(decided(facts) == "warns node2 bootstraps scope demo as well, or has a server of it; on Kubernetes a dead "
                            "pod's state stays as it was");
}

TEST_CASE("a key that is gone is told to Patroni's bootstrap, and ends resume, after which Patroni calls it anew") {
    auto facts = facts_of_a_call();
    facts.dcs.initialize = InitializeKey::absent;
    CHECK(decided(facts) ==
          "warns the initialize key of scope demo was removed while this restore worked (patronictl remove)");
    facts.caller = commands::RestoreCaller::resume;
    CHECK(decided(facts) ==
          "refuses the initialize key of scope demo was removed while this restore worked (patronictl remove)");
}

TEST_CASE("whoever restores by hand has no key, and only a leader ends that") {
    auto facts = facts_of_a_call();
    facts.caller = commands::RestoreCaller::person;
    facts.dcs.bootstrapping = {"node2"};
    for (const auto key :
         {InitializeKey::absent, InitializeKey::empty, InitializeKey::initialized, InitializeKey::unknown}) {
        facts.dcs.initialize = key;
        CHECK(decided(facts).empty());
    }
    facts.dcs.leadership.leader = "node2";
    CHECK(decided(facts) == "refuses scope demo has a leader meanwhile: node2");
}

TEST_CASE("a second answer that tells less than the first clears nobody") {
    auto first = facts_of_a_call().dcs;
    first.bootstrapping = {"node2"};
    auto second = first;
    second.bootstrapping.clear();
    CHECK(commands::tells_as_much(second, first));
    second.initialize = InitializeKey::unknown;
    CHECK_FALSE(commands::tells_as_much(second, first));
    first.initialize = InitializeKey::unknown;
    CHECK(commands::tells_as_much(second, first));
    second.leadership.why_unknown = "no answer";
    CHECK_FALSE(commands::tells_as_much(second, first));
}
