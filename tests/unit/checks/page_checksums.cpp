#include "checks/page_checksums.hpp"

#include "checks/checks.hpp"
#include "checks/dump.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;

TEST_CASE("pg_checksums tells of damaged pages, or that there is nothing to compare them with") {
    CHECK(judge_page_checksums(process::Exited{0}, {"Bad checksums:  0"}).empty());
    const auto damaged =
        judge_page_checksums(process::Exited{1}, {"pg_checksums: error: checksum verification failed in file "
                                                  "\"/d/base/5/1259\", block 0: calculated checksum 1A "
                                                  "but block contains 2B",
                                                  "Bad checksums:  1"});
    REQUIRE(damaged.size() == 1);
    CHECK(damaged[0].id == "rehearse-page");
    CHECK(is_error(damaged[0]));
    CHECK(damaged[0].problem.message.starts_with("pg_checksums found damaged pages: pg_checksums: error: checksum"));
    const auto off =
        judge_page_checksums(process::Exited{1}, {"pg_checksums: error: data checksums are not enabled in cluster"});
    REQUIRE(off.size() == 1);
    CHECK(off[0].id == "rehearse-no-checksums");
    CHECK_FALSE(is_error(off[0]));
    const auto failed = judge_page_checksums(process::Signalled{9}, {});
    REQUIRE(failed.size() == 1);
    CHECK(failed[0].id == "rehearse-page");
    CHECK(failed[0].problem.message == "pg_checksums was killed by signal 9: ");
}

TEST_CASE("every database that can be connected to is dumped") {
    postgres::ContentFacts facts;
    facts.databases = {{"template0", false, false, "", ""},
                       {"app", false, true, "", ""},
                       {"half dropped", true, true, "", ""},
                       {"postgres", false, true, "", ""}};
    CHECK(databases_to_dump(facts) == std::vector<std::string>{"app", "postgres"});
    facts.databases.push_back({"closed", false, false, "", ""});
    const auto told = review_dumped(facts);
    REQUIRE(told.size() == 2);
    for (const auto& finding : told) {
        CHECK(finding.id == "rehearse-dump-left-out");
        CHECK_FALSE(is_error(finding));
    }
    CHECK(told[0].problem.message ==
          "database half dropped was half dropped, and is not dumped: nobody has read its rows");
    CHECK(told[1].problem.message ==
          "database closed accepts no connections, and is not dumped: nobody has read its rows");
}

TEST_CASE("a dump of no database at all is an error") {
    postgres::ContentFacts facts;
    facts.databases = {{"template0", false, false, "", ""}, {"app", false, false, "", ""}};
    const auto told = review_dumped(facts);
    REQUIRE(told.size() == 1);
    CHECK(told[0].id == "rehearse-dump");
    CHECK(is_error(told[0]));
}

TEST_CASE("a database that a prepared transaction has locked is not dumped, and both are named") {
    CHECK(review_locked("app", {}).empty());
    const auto told = review_locked("app", {"orders (one)", "sales.items (two)"});
    REQUIRE(told.size() == 1);
    CHECK(told[0].id == "rehearse-dump");
    CHECK(is_error(told[0]));
    CHECK(told[0].problem.message ==
          "database app cannot be read as a whole: a prepared transaction keeps everybody from orders (one), "
          "sales.items (two)");
    const auto many = review_locked("app", std::vector<std::string>(23, "orders (one)"));
    REQUIRE(many.size() == 1);
    CHECK(many[0].problem.message.ends_with(", orders (one) and 3 more"));
}
