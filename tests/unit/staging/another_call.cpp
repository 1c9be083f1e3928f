#include "staging/another_call.hpp"

#include "support/catch.hpp"
#include "unit/staging/resume_cases.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::resume_cases;

namespace {

/// An interrupted copy of Patroni's call, which would be the same now.
ResumeFacts interrupted(Command command = Command::ours) {
    Case at;
    at.command = command;
    at.dcs = Dcs::answers;
    at.key = InitializeKey::empty;
    auto facts = see(at);
    facts.patronis_call = PatronisCall{"block", {{"config", "1"}}};
    facts.journal->of_patroni = facts.patronis_call;
    return facts;
}

std::string said(const ResumeFacts& facts) {
    const auto verdict = decide_resume(facts);
    if (verdict.action == ResumeAction::continue_bootstrap) {
        return "";
    }
    REQUIRE(verdict.failure);
    CHECK(verdict.failure->code() == ExitCode::unsafe);
    CHECK_FALSE(verdict.failure->problems().front().hint.empty());
    return verdict.failure->what();
}

const std::string more_than_the_block =
    "the interrupted restore was asked for with options that are not in the block pgbackrest (something else)";
const std::string another_config =
    "pgBackRest would be told of another config than in the interrupted restore of scope demo";

}  // namespace

TEST_CASE("the same call goes on, whether it is written down with the copy or only planned") {
    for (const auto command : {Command::ours, Command::script}) {
        auto facts = interrupted(command);
        CHECK(said(facts).empty());
        facts.journal->planning = facts.journal->last_call();
        CHECK(said(facts).empty());
    }
}

TEST_CASE("what was asked for is another thing than the same block says: somebody's script said it") {
    auto facts = interrupted();
    facts.journal->request = "something else";
    CHECK(said(facts) == more_than_the_block);
    SECTION("the block was changed since: that is wanted") {
        facts.patronis_call->block = "another";
        CHECK(said(facts).empty());
    }
    SECTION("a script's options are not seen, whatever was changed") {
        facts.patronis_call->block = "another";
        facts.is_script = true;
        CHECK(said(facts) == more_than_the_block);
    }
    SECTION("a person's call, or a journal of an older version: the block counts") {
        facts.journal->of_patroni.reset();
        CHECK(said(facts).empty());
        facts.is_script = true;
        CHECK(said(facts) == more_than_the_block);
    }
}

TEST_CASE("what pgBackRest's files say may be corrected meanwhile, and what Patroni's call gave may not") {
    for (const auto command : {Command::ours, Command::script}) {
        auto facts = interrupted(command);
        facts.journal->request = "something else";
        facts.journal->of_patroni->given = facts.patronis_call->given = "scope demo";
        CHECK(said(facts).empty());
        facts.patronis_call->given = "scope demo link-all=";
        CHECK(said(facts) == more_than_the_block);
    }
}

TEST_CASE("with another variable or option pgBackRest would restore another cluster") {
    auto facts = interrupted();
    auto& now = facts.patronis_call->origin;
    SECTION("another value") {
        now = {{"config", "2"}};
        CHECK(said(facts) == another_config);
    }
    SECTION("none, as in a person's shell") {
        now.clear();
        CHECK(said(facts) == another_config);
        const auto hint = decide_resume(facts).failure->problems().front().hint;
        CHECK(hint.find("in Environment= of Patroni's unit") != std::string::npos);
        CHECK(hint.find("; or, if no other node restores it, stop Patroni on every node, run patronictl remove demo") !=
              std::string::npos);
    }
    SECTION("each of several is named") {
        now = {{"config", "1"}, {"repo1-path", "1"}, {"repo2-path", "1"}};
        CHECK(said(facts) == "pgBackRest would be told of another repo1-path, repo2-path than in the interrupted "
                             "restore of scope demo");
    }
    SECTION("before anything was copied") {
        facts.journal->planning = facts.journal->last_call();
        facts.journal->of_patroni.reset();
        facts.journal->backup_set.clear();
        now.clear();
        CHECK(said(facts) == another_config);
    }
    SECTION("a person's call, or a journal of an older version") {
        facts.journal->of_patroni.reset();
        now.clear();
        CHECK(said(facts).empty());
    }
}

TEST_CASE("what the block passes to pgBackRest may be changed in the block, and only there") {
    auto facts = interrupted();
    facts.patronis_call = PatronisCall{"another", {{"config", "2"}}};
    CHECK(said(facts) == another_config);  // a variable
    facts.request->pgbackrest.configuration = "/etc/2.conf";
    CHECK(said(facts).empty());
    facts.is_script = true;
    CHECK(said(facts) == another_config);
    facts.is_script = false;
    facts.patronis_call->origin["config-include-path"] = "3";
    CHECK(said(facts).find("another config-include-path than") != std::string::npos);
    facts.request->pgbackrest.common.push_back({"config-include-path", "/etc/3"});
    CHECK(said(facts).empty());
}
