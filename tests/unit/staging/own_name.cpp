#include "staging/own_name.hpp"

#include "staging/lost_bootstrap.hpp"
#include "support/catch.hpp"
#include "unit/staging/resume_cases.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::resume_cases;

TEST_CASE("without a name nobody in the DCS is taken for another node") {
    patroni::ScopeState dcs;
    CHECK_FALSE(refuse_without_name("", dcs));
    const auto refused = [&](const std::string& member) {
        const auto failure = refuse_without_name("", dcs);
        REQUIRE(failure);
        CHECK(failure->code() == ExitCode::usage);
        CHECK(failure->what() ==
              "name is missing, so whether " + member + " in the DCS is this node or another cannot be told");
        CHECK(failure->problems().front().hint.find("set name in patroni.yml") == 0);
        CHECK_FALSE(refuse_without_name("node1", dcs));
    };
    dcs.members = {"node3"};
    refused("node3");
    dcs.bootstrapping = {"node2"};
    refused("node2");
    dcs.leadership.leader = "node1";
    refused("node1");
}

TEST_CASE("an interrupted bootstrap of a node without a name is neither abandoned nor resumed") {
    Case at;
    at.dcs = Dcs::answers;
    at.key = InitializeKey::empty;
    at.bootstraps = Who::this_node;
    auto facts = see(at);
    CHECK(decide_resume(facts).action == ResumeAction::continue_bootstrap);
    facts.own_name.clear();
    auto verdict = decide_resume(facts);
    CHECK(verdict.action == ResumeAction::refuse);
    REQUIRE(verdict.failure);
    CHECK(verdict.failure->code() == ExitCode::usage);
    facts.dcs.reset();
    CHECK(decide_resume(facts).action == ResumeAction::ask_dcs);
    facts.dcs.emplace().initialize = InitializeKey::empty;  // nobody is there any more
    CHECK(decide_resume(facts).action == ResumeAction::continue_bootstrap);
}

TEST_CASE("nor is the key of a bootstrap that nothing tells of taken for another node's") {
    patroni::ScopeState dcs;
    dcs.initialize = InitializeKey::empty;
    dcs.bootstrapping = {"node1"};
    const auto verdict = decide_without_journal({"demo", "", {}}, {}, dcs, {});
    REQUIRE(verdict.failure);
    CHECK(verdict.failure->code() == ExitCode::usage);
    dcs.leadership.leader = "node2";
    CHECK_FALSE(decide_without_journal({"demo", "", {}}, {}, dcs, {}).failure);
}
