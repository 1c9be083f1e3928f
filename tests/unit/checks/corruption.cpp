#include "checks/corruption.hpp"

#include "checks/checks.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;

namespace {

const std::string skipped_app = "pg_amcheck: warning: skipping database \"app\": amcheck is not installed";
const std::string skipped_template = "pg_amcheck: warning: skipping database \"template1\": amcheck is not installed";

void complain(AmcheckWords& words, const std::string& relation, const std::string& message) {
    words.output(relation + ":");
    words.output("    " + message);
}

}  // namespace

TEST_CASE("pg_amcheck has looked at everything where it found nothing and skipped no database but template1") {
    AmcheckWords words;
    words.error(skipped_template);
    const auto check = words.judge(process::Exited{0}, "");
    CHECK(check.findings.empty());
    CHECK(check.examined == "amcheck");
    CHECK_FALSE(check.failed);
}

TEST_CASE("a database without amcheck is a warning, and what was examined says so") {
    AmcheckWords words;
    words.error(skipped_app);
    const auto check = words.judge(process::Exited{0}, "");
    REQUIRE(check.findings.size() == 1);
    CHECK(check.findings[0].id == "verify-amcheck-not-done");
    CHECK(check.findings[0].problem.message == "pg_amcheck exited with code 0: " + skipped_app);
    CHECK(check.examined == "amcheck (not of every database)");
    CHECK_FALSE(check.failed);
}

TEST_CASE("nothing was examined where no database has amcheck, and where pg_amcheck did not come to its end") {
    AmcheckWords nothing;
    nothing.error(skipped_app);
    nothing.error("pg_amcheck: error: no relations to check");
    const auto without = nothing.judge(process::Exited{1}, "");
    REQUIRE(without.findings.size() == 1);
    CHECK_FALSE(is_error(without.findings[0]));
    CHECK(without.examined.empty());
    CHECK_FALSE(without.failed);

    AmcheckWords killed;
    killed.error(skipped_app);
    for (const process::Outcome& outcome :
         {process::Outcome(process::Signalled{9}), process::Outcome(process::Exited{1}),
          process::Outcome(process::Stalled{})}) {
        const auto check = killed.judge(outcome, "");
        REQUIRE(check.findings.size() == 1);
        CHECK(check.findings[0].problem.message.starts_with("pg_amcheck " + process::describe(outcome) + ": "));
        CHECK(check.examined.empty());
        CHECK(check.failed);
        CHECK_FALSE(is_error(check.findings[0]));
        CHECK(findings_of_rehearsal(check)[0].id == "rehearse-amcheck");
        CHECK(is_error(findings_of_rehearsal(check)[0]));
    }
}

TEST_CASE("corruption is an error, also where a relation was locked") {
    AmcheckWords words;
    complain(words, R"(heap table "app.public.locked")", "ERROR:  canceling statement due to lock timeout");
    complain(words, R"(heap table "app.public.orders", block 0, offset 1)", "xmin 5 precedes oldest valid");
    const auto check = words.judge(process::Exited{2}, "pgbackrest verify");
    REQUIRE(check.findings.size() == 1);
    CHECK(check.findings[0].id == "verify-corruption");
    CHECK(check.findings[0].problem.message ==
          "pg_amcheck found corruption: heap table \"app.public.orders\", block 0, offset 1:;     xmin 5 precedes "
          "oldest valid");
    CHECK(check.findings[0].problem.hint.ends_with("look at the repository: pgbackrest verify"));
    CHECK(AmcheckWords().judge(process::Exited{2}, "").findings[0].id == "verify-corruption");
}

TEST_CASE("a relation that somebody has locked is no corruption") {
    AmcheckWords words;
    complain(words, R"(heap table "app.public.locked")", "ERROR:  canceling statement due to lock timeout");
    complain(words, R"(btree index "app.public.locked_pkey")", "ERROR:  canceling statement due to lock timeout");
    const auto check = words.judge(process::Exited{2}, "");
    REQUIRE(check.findings.size() == 1);
    CHECK(check.findings[0].id == "verify-amcheck-not-done");
    CHECK(check.findings[0].problem.message ==
          "pg_amcheck waited 10 s for a lock on heap table \"app.public.locked\" and 1 more, and left it out");
    CHECK(check.examined == "amcheck (not of every table)");
    CHECK_FALSE(check.failed);
}

TEST_CASE("what an extension of an older version cannot look at is no corruption") {
    AmcheckWords words;
    const std::string old = "ERROR:  function public.verify_heapam(relation => oid, on_error_stop => boolean, "
                            "check_toast => boolean, skip => unknown) does not exist";
    complain(words, R"(heap table "app.public.one")", old);
    words.output("    LINE 2: FROM pg_catalog.pg_class c, public.verify_heapam(");
    complain(words, R"(heap table "app.public.two")", old);
    const auto check = words.judge(process::Exited{2}, "");
    REQUIRE(check.findings.size() == 1);
    CHECK(check.findings[0].id == "verify-amcheck-not-done");
    CHECK(check.findings[0].problem.message ==
          "the extension amcheck is too old for pg_amcheck to look at heap table \"app.public.one\" and 1 more");
    CHECK(check.examined == "amcheck (not of every table)");
    CHECK_FALSE(check.failed);
    complain(words, R"(heap table "app.public.three", block 0, offset 1)", "xmin 5 precedes oldest valid");
    CHECK(words.judge(process::Exited{2}, "").findings[0].id == "verify-corruption");
}

TEST_CASE("a database that pg_amcheck passes over in silence is a warning") {
    postgres::ContentFacts facts;
    facts.databases = {{"template0", false, false, "", ""}, {"app", false, true, "", ""}};
    AmcheckWords words;
    auto check = words.judge(process::Exited{0}, "");
    add_left_out(facts, check);
    CHECK(check.findings.empty());
    CHECK(check.examined == "amcheck");
    facts.databases.push_back({"closed", false, false, "", ""});
    facts.databases.push_back({"half", true, true, "", ""});
    add_left_out(facts, check);
    REQUIRE(check.findings.size() == 2);
    for (const auto& finding : check.findings) {
        CHECK(finding.id == "verify-amcheck-not-done");
    }
    CHECK(check.findings[0].problem.message == "database closed accepts no connections, and pg_amcheck leaves it out");
    CHECK(check.findings[1].problem.message == "database half was half dropped, and pg_amcheck leaves it out");
    CHECK(check.examined == "amcheck (not of every database)");
}
