#include "checks/health.hpp"

#include "checks/checks.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;
using postgres::ChangedCollations;
using postgres::ContentFacts;

namespace {

using Said = std::vector<std::string>;

/// `id: message` of each.
Said said(const ContentFacts& facts, const std::map<std::string, DatabaseAnswer>& answers) {
    Said texts;
    for (const auto& finding : judge_health(facts, answers)) {
        CHECK(find_check(finding.id) != nullptr);
        CHECK_FALSE(finding.problem.hint.empty());
        texts.push_back(finding.id + ": " + finding.problem.message);
    }
    return texts;
}

const std::map<std::string, DatabaseAnswer> fine = {{"app", {ChangedCollations{}, ""}}};

}  // namespace

TEST_CASE("a database that answers and has nothing wrong is not told of") {
    CHECK(said({{{"app", false, true, "2.36", "2.36"}}, {}}, fine).empty());
    CHECK(said({{{"app", false, true, "", ""}}, {}}, {}).empty());
}

TEST_CASE("a database that could not be looked at is told of, with PostgreSQL's words") {
    const DatabaseAnswer refused{std::nullopt, "psql exited with code 2: FATAL: role \"postgres\" may not log in"};
    CHECK(said({{{"app", false, true, "", ""}}, {}}, {{"app", refused}}) ==
          Said{"verify-health-unknown: database app could not be looked at: " + refused.error});
    // The hint: let the superuser connect to it, and run verify again.
    CHECK(said({{{"app", false, true, "", ""}}, {}}, fine).empty());
}

TEST_CASE("a database that was left out or half dropped cannot be used") {
    const DatabaseAnswer empty{std::nullopt, "FATAL: \"base/5\" is not a valid data directory"};
    CHECK(said({{{"app", false, true, "", ""}}, {}}, {{"app", empty}}) ==
          Said{"verify-database-unusable: database app cannot be used: " + empty.error});
    CHECK(said({{{"app", true, true, "", ""}}, {}}, {}) ==
          Said{"verify-database-unusable: database app cannot be used: its DROP DATABASE was interrupted"});
}

TEST_CASE("a collation of another version is told of, with the indexes where they are known") {
    const ContentFacts facts{{{"app", false, true, "2.31", "2.36"}}, {}};
    CHECK(said(facts, fine) == Said{"verify-collation: database app was made with version 2.31 of its collation, and "
                                    "this system has 2.36"});
    const DatabaseAnswer changed{ChangedCollations{{"pg_catalog.default: 2.31, now 2.36"}, {"public.names"}}, ""};
    CHECK(said(facts, {{"app", changed}}) ==
          Said{"verify-collation: 1 indexes of database app were built with collations that this system sorts in "
               "another way (pg_catalog.default: 2.31, now 2.36): public.names"});
}

TEST_CASE("a subscription that is enabled is told of, with its slot") {
    CHECK(said({{}, {{"orders", "app", "orders_slot"}, {"idle", "app", ""}}}, {}) ==
          Said{"verify-subscription: subscription orders of database app is enabled, and takes changes from slot "
               "orders_slot of its publisher",
               "verify-subscription: subscription idle of database app is enabled, and takes changes from slot none of "
               "its publisher"});
}

TEST_CASE("what a rehearsal tells of it is for the restored cluster, and never for the living one") {
    const DatabaseAnswer empty{std::nullopt, "FATAL: \"base/5\" is not a valid data directory"};
    const ContentFacts facts{{{"app", false, true, "", ""}, {"old", false, true, "2.31", "2.36"}},
                             {{"orders", "app", "orders_slot"}}};
    const auto findings = left_by_a_restore(judge_health(facts, {{"app", empty}, {"old", {ChangedCollations{}, ""}}}));
    Said ids;
    for (const auto& finding : findings) {
        ids.push_back(finding.id);
        CHECK(finding.problem.hint.starts_with("after a restore, in the restored cluster: "));
    }
    CHECK(ids == Said{"verify-database-unusable", "verify-collation"});
}
