#include "staging/lost_bootstrap.hpp"

#include "support/catch.hpp"

using namespace patroni_pgbackrest;
using patroni::InitializeKey;

TEST_CASE("without a journal, Patroni would wait for a bootstrap that nobody is at: the one before data_dir changed") {
    Layout layout;
    layout.data_directory = "/new";
    layout.workspace = "/new.restoring.d";
    const BootstrapCall call{"demo", "node1", {}};
    patroni::ScopeState dcs;
    dcs.initialize = InitializeKey::empty;
    const auto decided = [&](const std::optional<std::filesystem::path>& elsewhere) {
        return decide_without_journal(call, layout, dcs, elsewhere);
    };
    const auto nothing = [&] {
        const auto verdict = decided("/old");
        return verdict.action == ResumeAction::start_patroni && !verdict.warning && !verdict.failure;
    };
    REQUIRE(decided("/old").failure);
    CHECK(decided("/old").failure->code() == ExitCode::unsafe);
    CHECK(decided("/old").failure->problems().front().message.find(
              "a restore into /old was interrupted, and postgresql.data_dir is /new now") == 0);
    REQUIRE(decided({}).warning);
    CHECK(decided({}).warning->hint.find("patronictl remove demo") != std::string::npos);
    CHECK_FALSE(decided({}).failure);
    dcs.bootstrapping = {"node1"};
    CHECK_FALSE(nothing());
    dcs.bootstrapping = {"node2"};
    CHECK(nothing());
    dcs.bootstrapping.clear();
    dcs.leadership.leader = "node2";
    CHECK(nothing());
    dcs.leadership.leader.reset();
    dcs.leadership.why_unknown = "patronictl does not answer";
    CHECK(nothing());
    dcs.leadership.why_unknown.clear();
    for (const auto key : {InitializeKey::absent, InitializeKey::initialized, InitializeKey::unknown}) {
        dcs.initialize = key;
        CHECK(nothing());
    }
}
