#include "postgres/server_facts.hpp"

#include "support/catch.hpp"

using namespace patroni_pgbackrest::postgres;

TEST_CASE("what the server says about itself is read from one line") {
    const auto facts = server_facts_in(
        R"({"in_recovery" : false, "version" : "15.20", "system_identifier" : "7711057455802467142", )"
        R"("timeline" : "0000000A", "history" : "1\t0/7000158\tno recovery target specified\n", )"
        R"("data_directory" : "/pg/d", "checksums" : "on", )"
        R"("archiving" : {"archive_mode" : "on", "archive_command" : "push %p", "archive_library" : null}, )"
        R"("recovery_settings" : [{"name" : "restore_command", "file" : "/pg/d/postgresql.auto.conf"}], )"
        R"("signal_files" : ["standby.signal"], "history_archived" : true, "last_archived" : "", "last_failed" : null})"
        "\n{\"answer\" : \"true\"}\n");
    REQUIRE(facts);
    CHECK_FALSE(facts->in_recovery);
    CHECK(facts->timeline == Timeline{10});
    CHECK(facts->history == "1\t0/7000158\tno recovery target specified\n");
    CHECK(facts->checksums);
    CHECK(facts->archiving ==
          std::map<std::string, std::string>{{"archive_mode", "on"}, {"archive_command", "push %p"}});
    REQUIRE(facts->recovery_settings.size() == 1);
    CHECK(facts->recovery_settings[0].file == "/pg/d/postgresql.auto.conf");
    CHECK(facts->signal_files == std::vector<std::string>{"standby.signal"});
    CHECK(facts->history_archived);
    CHECK(facts->last_failed.empty());
}

TEST_CASE("an answer that is cut short is none") {
    CHECK_FALSE(server_facts_in(""));
    CHECK_FALSE(server_facts_in("{\"in_recovery\" : fal"));
    CHECK_FALSE(server_facts_in("{}\n"));
}

TEST_CASE("every recovery setting is looked for") {
    const auto statements = server_facts_statements();
    CHECK(statements.find("lower(name) IN ('archive_cleanup_command', 'primary_conninfo', ") != std::string::npos);
    CHECK(statements.find("{names}") == std::string::npos);
}
