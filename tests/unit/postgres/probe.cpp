#include "postgres/probe.hpp"

#include "support/catch.hpp"

using namespace patroni_pgbackrest::postgres;

TEST_CASE("a probe may name its database") {
    const auto parse = [](const char* text) {
        const auto probe = Probe::parse(text, "--probe");
        return probe.database + "|" + probe.query;
    };
    CHECK(parse("SELECT true") == "|SELECT true");
    CHECK(parse("app=SELECT count(*) > 9 FROM orders") == "app|SELECT count(*) > 9 FROM orders");
    CHECK(parse("SELECT a=1 FROM b") == "|SELECT a=1 FROM b");
    CHECK(parse("app=SELECT 1\n = 1") == "app|SELECT 1\n = 1");
}

TEST_CASE("a query is a string inside of a string, whatever is in it") {
    const auto statements = probe_statements({{"", "select 'it''s' \\gexec", ""}}, std::chrono::seconds(10));
    CHECK(statements.find("SET statement_timeout = '10s';\n") != std::string::npos);
    CHECK(statements.find("SET default_transaction_read_only = on;\n") != std::string::npos);
    CHECK(statements.find("EXECUTE ''select ''''it''''''''s'''' \\gexec'' INTO STRICT answer;") != std::string::npos);
}

TEST_CASE("answers come one a line") {
    const auto answers = probe_answers_in("{\"answer\" : \"true\", \"error\" : \"\"}\n"
                                          "{\"answer\" : \"\", \"error\" : \"57014 canceling\"}\nnonsense\n");
    REQUIRE(answers.size() == 3);
    CHECK(answers[0].answer == "true");
    CHECK(answers[0].error.empty());
    CHECK(answers[1].error == "57014 canceling");
    CHECK(answers[2].error == "its answer cannot be read");
}
