#include "pgbackrest/option_in_force.hpp"

#include "support/catch.hpp"

#include "fake.hpp"
#include "pgbackrest/backup_files.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::pgbackrest;

namespace {

struct Configured {
    explicit Configured(const std::string& text) {
        fake.write("a.conf", text);
        pgbackrest.configuration = (fake.directory.path() / "a.conf").string();
        pgbackrest.stanza = "demo";
    }
    std::string value(const std::string& command, const std::string& name) const {
        const auto option = option_in_force(pgbackrest, command, name);
        return option ? option->values.front() : "-";
    }

    Fake fake;
    Pgbackrest pgbackrest;
};

}  // namespace

TEST_CASE("an option is taken from the environment, or from the most special section of its command") {
    const Configured configured("[global]\npg1-path=/4\nx=1\n[global:archive-push]\npg1-path=/3\n[demo]\npg1-path=/2\n"
                                "[demo:archive-push]\npg1-path=/1\n[other]\npg1-path=/5\n");
    CHECK(configured.value("archive-push", "pg1-path") == "/1");
    CHECK(configured.value("restore", "pg1-path") == "/2");
    CHECK(configured.value("restore", "x") == "1");
    CHECK(configured.value("restore", "y") == "-");
    const Variable variable("PGBACKREST_PG1_PATH", "/0");
    CHECK(configured.value("archive-push", "pg1-path") == "/0");
    CHECK(option_in_force(configured.pgbackrest, "restore", "pg1-path")->place == "PGBACKREST_PG1_PATH");
    CHECK(option_in_files(configured.pgbackrest, "restore", "pg1-path")->values.front() == "/2");
    CHECK_FALSE(option_in_files(configured.pgbackrest, "restore", "y"));
}

TEST_CASE("a complaint about an option gets its place") {
    const Configured configured("[global]\nbuffer-size=7\n");
    const auto placed = [&](ExitCode code, const std::string& message) {
        return with_place_of_option(configured.pgbackrest, "info", Failure(code, message, "as before").lasting());
    };
    const auto failure = placed(ExitCode::usage, "'7' is not allowed for 'buffer-size' option");
    CHECK(failure.problems().front().place == configured.pgbackrest.configuration->string() + ":2");
    CHECK(failure.problems().front().hint ==
          "correct it there, or remove it; pgbackrest help info says what an option may be");
    CHECK(failure.is_lasting());
    CHECK(placed(ExitCode::usage, "option 'pg1-path' is required").problems().front().hint == "as before");
    CHECK(placed(ExitCode::pgbackrest_failed, "'buffer-size'").problems().front().place.empty());
    CHECK(placed(ExitCode::usage, "a quote that 'buffer-size").problems().front().place ==
          configured.pgbackrest.configuration->string() + ":2");
}

TEST_CASE("variables without a value are taken away, once and for all") {
    const Variable empty("PGBACKREST_PG1_PATH", "");
    const Variable full("PGBACKREST_BUFFER_SIZE", "1MB");
    drop_empty_variables();
    CHECK(dropped_variables() == std::vector<std::string>{"PGBACKREST_PG1_PATH"});
    CHECK(std::getenv("PGBACKREST_PG1_PATH") == nullptr);
    CHECK(std::getenv("PGBACKREST_BUFFER_SIZE") != nullptr);
}

TEST_CASE("the manifest names the files at the top of the data directory") {
    const auto names = top_files_in("[backup]\nbackup-label=\"x\"\n\n[target:file]\npg_data/PG_VERSION={\"size\":3}\n"
                                    "pg_data/base/1/112={\"size\":8192}\npg_data/postgresql.conf.backup={\"size\":1}\n"
                                    "pg_tblspc/16385/PG_15/1/2={}\n\n[target:file:default]\ngroup=\"postgres\"\n");
    REQUIRE(names);
    CHECK(*names == std::set<std::string>{"PG_VERSION", "postgresql.conf.backup"});
    CHECK_FALSE(top_files_in("no manifest"));
}
