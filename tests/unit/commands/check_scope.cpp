#include "commands/check_scope.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;

namespace {

const std::string a = "7710953412442782829", b = "7710953412442782830", c = "7710953412442782831";

/// Cluster a with two backups, and b, which took its stanza over and was backed up as well.
pgbackrest::Stanza stanza_of_two() {
    auto stanza = one_timeline().stanza;
    stanza.databases.push_back({2, 1, b, "15"});
    stanza.backups.push_back(backup("20261123-080000F", 1, 2, 2, "2026-11-23 08:00:00Z"));
    stanza.backups.back().database_id = 2;
    return stanza;
}

patroni::ScopeState knowing(const std::string& identifier) {
    patroni::ScopeState state;
    state.initialize = patroni::InitializeKey::initialized;
    state.system_identifier = identifier;
    return state;
}

Request request_of(Given given = {}) {
    given.push_back({"scope", "blue"});
    return request_for(given);
}

std::vector<Finding> found(const Given& given, const pgbackrest::Stanza& stanza, const std::string& known) {
    const auto request = request_of(given);
    return commands::review_cluster(request, settle_cluster(request, stanza), knowing(known));
}

}  // namespace

TEST_CASE("the cluster of the DCS is that of the stanza") {
    CHECK(found({}, one_timeline().stanza, a).empty());
    CHECK(found({}, one_timeline().stanza, "").empty());
}

TEST_CASE("another cluster than that of the DCS is an error until system-identifier says that it is meant") {
    CHECK(found({{"set", "20261123-080000F"}}, stanza_of_two(), a) ==
          std::vector<Finding>{
              {"cluster-other",
               {"stanza demo would bring back system identifier " + b + ", and the DCS has " + a + " for scope blue",
                "set system-identifier to " + a + " for the cluster that the DCS knows, or to " + b +
                    " if the other one is meant"}}});
    CHECK(found({}, one_timeline().stanza, c) ==
          std::vector<Finding>{
              {"cluster-other",
               {"stanza demo would bring back system identifier " + a + ", and the DCS has " + c + " for scope blue",
                "stanza demo has no backup of " + c + ": see whether it is the right stanza; if " + a +
                    " is meant all the same, set system-identifier to it"}}});
    CHECK(found({{"system-identifier", b}}, stanza_of_two(), a).empty());
}

TEST_CASE("where several clusters could be meant, the hint names the one that the DCS knows") {
    const auto hint = [](const std::string& known) {
        return problems_of(ExitCode::usage,
                           [&] { commands::settle_cluster(request_of(), stanza_of_two(), knowing(known)); })[0]
            .hint;
    };
    const std::string said =
        "say with system-identifier which cluster is to be restored, or name a backup set with set";
    CHECK(hint("") == said);
    CHECK(hint(a) == said + "; the DCS has system identifier " + a + " for scope blue");
    CHECK(hint(c) == said + "; the DCS has system identifier " + c + " for scope blue, which has no backup here");
    CHECK(commands::settle_cluster(request_of(), one_timeline().stanza, knowing(c)).cluster.system_identifier == a);
}

TEST_CASE("what an earlier leader left is told while Patroni would call the bootstrap method, and only then") {
    patroni::ScopeState state;
    state.remainders.sync = {"n1", "n2"};
    patroni::DynamicModes modes;
    const auto found = [&](const std::string& member) {
        return commands::review_remainders("blue", member, state, modes);
    };
    state.initialize = patroni::InitializeKey::absent;
    CHECK(found("n3").empty());
    modes.synchronous = true;
    CHECK(found("n2").empty());
    CHECK(found("n3") ==
          std::vector<Finding>{
              {"dcs-left-status",
               {"an earlier leader of scope blue has left /sync with n1, n2 in the DCS: a restore that is interrupted, "
                "and that resume ends, may never lead",
                "run patronictl remove blue before the restore; it takes the configuration in the DCS along, which "
                "patronictl show-config prints"}}});
    state.remainders.last_lsn = 1;  // any position may be too far
    CHECK(found("n1").size() == 1);
    for (const auto key :
         {patroni::InitializeKey::empty, patroni::InitializeKey::initialized, patroni::InitializeKey::unknown}) {
        state.initialize = key;
        CHECK(found("n3").empty());
    }
    state.initialize = patroni::InitializeKey::absent;
    state.leadership.leader = "n1";
    CHECK(found("n3").empty());
}

TEST_CASE("of a scope one thing is told: no answer, a leader, or the key") {
    patroni::ScopeState state;
    const auto id = [&] {
        const auto findings = commands::review_scope("blue", state);
        return findings.empty() ? std::string() : findings.front().id;
    };
    CHECK(id().empty());
    state.initialize = patroni::InitializeKey::empty;
    CHECK(id() == "scope-bootstrapping");
    state.initialize = patroni::InitializeKey::initialized;
    CHECK(id() == "scope-initialized");
    state.leadership.leader = "n1";
    CHECK(id() == "cluster-lives");
    state.leadership.why_unknown = "patronictl was not found";
    CHECK(id() == "dcs-unknown");
}
