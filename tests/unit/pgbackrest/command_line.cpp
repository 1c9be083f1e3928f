#include "support/catch.hpp"

#include "fake.hpp"
#include "pgbackrest/command_line.hpp"
#include "pgbackrest/configuration_files.hpp"
#include "system/failure.hpp"

#include <cerrno>
#include <optional>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::pgbackrest;

namespace {

template <typename Action>
Failure failure_in(Action action) {
    try {
        action();
    } catch (const Failure& failure) {
        return failure;
    }
    return Failure(ExitCode::done, "nothing was thrown", "");
}

int asked_version(const Pgbackrest& pgbackrest) {
    return version_in(pgbackrest, process::capture(version_command(pgbackrest)));
}

}  // namespace

TEST_CASE("a command has the options before the command and its positionals") {
    Pgbackrest pgbackrest;
    pgbackrest.configuration = "/etc/x.conf";
    pgbackrest.stanza = "demo";
    pgbackrest.common = {{"config-path", "/etc/y"}};
    CHECK(pgbackrest.command("archive-get", {{"delta"}, {"repo", "2"}}, {"00000002.history", "pg_wal/X"}).text() ==
          "pgbackrest --config=/etc/x.conf --stanza=demo --config-path=/etc/y --delta --repo=2 archive-get "
          "00000002.history pg_wal/X");
    CHECK(Pgbackrest{}.command("info").text() == "pgbackrest info");
}

TEST_CASE("a command whose output is data keeps its messages on stderr") {
    CHECK(Pgbackrest{}.data_command("info", {{"output", "json"}}).text() ==
          "pgbackrest --output=json --no-log-timestamp --log-level-console=off --log-level-stderr=warn info");
}

TEST_CASE("no variable changes what a command is asked for, or how it answers") {
    Fake fake;
    const Variable filter("PGBACKREST_FILTER", "nothing");
    const Variable output("PGBACKREST_OUTPUT", "json");
    const Variable raw("PGBACKREST_RAW", "y");
    const Variable path("PGBACKREST_REPO1_PATH", "/srv/repository");
    const Variable run("FAKE_RUN", "env | grep ^PGBACKREST_ | grep -v LOG_PATH");
    CHECK(process::capture(fake.pgbackrest().command("repo-ls")).output == "PGBACKREST_REPO1_PATH=/srv/repository\n");
    CHECK(version_command(fake.pgbackrest()).environment.at("PGBACKREST_OUTPUT").empty());
}

TEST_CASE("the version is read from each form in which pgBackRest prints it") {
    Fake fake;
    const auto version_of = [&](const std::string& printed) {
        const Variable variable("FAKE_VERSION", printed);
        return asked_version(fake.pgbackrest());
    };
    CHECK(version_of("pgBackRest 2.33") == 2033);
    CHECK(version_of("pgBackRest 2.45") == 2045);
    CHECK(version_of("pgBackRest 2.55.1") == 2055);
    CHECK(version_of("pgBackRest 2.60.0") == 2060);
    CHECK(version_of("pgBackRest 2.60dev") == 2060);
}

TEST_CASE("a pgBackRest that is too old, another program and a missing one are refused by name") {
    Fake fake;
    const std::string program = fake.pgbackrest().program;
    const auto refusal = [&](const std::string& printed) {
        const Variable variable("FAKE_VERSION", printed);
        return failure_in([&] { asked_version(fake.pgbackrest()); });
    };
    CHECK(refusal("pgBackRest 2.32").code() == ExitCode::preflight_refused);
    CHECK(std::string(refusal("pgBackRest 2.32").what()) == program + " is pgBackRest 2.32, which is older than 2.33");
    CHECK(std::string(refusal("barman 3.1").what()) ==
          program + " is not pgBackRest: its version command printed \"barman 3.1\"");
    CHECK(refusal("pgBackRest next").code() == ExitCode::preflight_refused);

    Pgbackrest missing;
    missing.program = "/nowhere/pgbackrest";
    const Failure failure = failure_in([&] { asked_version(missing); });
    CHECK(failure.code() == ExitCode::preflight_refused);
    CHECK(std::string(failure.what()) == "/nowhere/pgbackrest version could not be started: No such file or directory");
    CHECK(failure.problems().front().hint ==
          "install pgBackRest 2.33 or later, or name its program with the option pgbackrest");
}

TEST_CASE("a pgbackrest that the system could not start now is not taken for a missing or old one") {
    Pgbackrest pgbackrest;
    pgbackrest.program = "/usr/bin/pgbackrest";
    const process::Captured captured{process::NotStarted{"Resource temporarily unavailable", EAGAIN}, "", ""};
    const Failure failure = failure_in([&] { version_in(pgbackrest, captured); });
    CHECK(failure.code() == ExitCode::system_refused);
    CHECK(std::string(failure.what()) == "cannot start /usr/bin/pgbackrest: Resource temporarily unavailable");
}

TEST_CASE("stanzas are the sections of the named configuration") {
    Fake fake;
    fake.write("a.conf", "[global]\nrepo1-path=/x\n\n[global:restore]\nprocess-max=2\n"
                         " [demo] \npg1-path=/d\n[demo:archive-push]\n[second]\n#[third]\n");
    Pgbackrest pgbackrest;
    pgbackrest.configuration = fake.directory.path() / "a.conf";
    CHECK(configured_stanzas(pgbackrest) == std::vector<std::string>{"demo", "second"});

    SECTION("as PGBACKREST_CONFIG names it too") {
        const Variable variable("PGBACKREST_CONFIG", pgbackrest.configuration->string());
        CHECK(configured_stanzas(Pgbackrest{}) == std::vector<std::string>{"demo", "second"});
    }
    SECTION("but PGBACKREST_STANZA beats them") {
        const Variable variable("PGBACKREST_STANZA", "other");
        CHECK(configured_stanzas(pgbackrest) == std::vector<std::string>{"other"});
    }
    SECTION("and a file that cannot be read is an error") {
        pgbackrest.configuration = fake.directory.path() / "missing.conf";
        CHECK(failure_in([&] { configured_stanzas(pgbackrest); }).code() == ExitCode::usage);
    }
}

TEST_CASE("a repository is configured when any option of it counts for info") {
    Fake fake;
    fake.write("a.conf", "[global]\nrepo1-path=/x\nrepository=/no\n[global:info]\nrepo-host=a\n[demo]\nrepo3-host=b\n"
                         "[demo:info]\nrepo12-path=/x\n[other]\nrepo5-path=/x\n[demo:archive-push]\nrepo6-path=/x\n");
    Pgbackrest pgbackrest;
    pgbackrest.configuration = fake.directory.path() / "a.conf";
    pgbackrest.stanza = "demo";
    CHECK(configured_repositories(pgbackrest) == std::set<unsigned>{1, 3, 12});
    const Variable variable("PGBACKREST_REPO2_S3_KEY", "secret");
    pgbackrest.common = {{"repo4-path", "/x"}};
    CHECK(configured_repositories(pgbackrest) == std::set<unsigned>{1, 2, 3, 4, 12});
}

TEST_CASE("config-path moves the configuration and its included files") {
    Fake fake;
    const auto directory = fake.directory.path();
    std::filesystem::create_directories(directory / "conf.d");
    fake.write("pgbackrest.conf", "[one]\n");
    fake.write("conf.d/b.conf", "[two]\n[one]\n");
    fake.write("conf.d/c.txt", "[three]\n");
    const std::vector<std::string> both{"one", "two"};

    Pgbackrest pgbackrest;
    pgbackrest.common = {{"config-path", directory.string()}};
    CHECK(configured_stanzas(pgbackrest) == both);

    const Variable variable("PGBACKREST_CONFIG_PATH", directory.string());
    CHECK(configured_stanzas(Pgbackrest{}) == both);
}

TEST_CASE("a named file stands alone unless an include path is named as well") {
    Fake fake;
    const auto directory = fake.directory.path();
    std::filesystem::create_directories(directory / "conf.d");
    fake.write("pgbackrest.conf", "[one]\n");
    fake.write("conf.d/b.conf", "[two]\n");

    Pgbackrest pgbackrest;
    pgbackrest.configuration = directory / "pgbackrest.conf";
    CHECK(configured_stanzas(pgbackrest) == std::vector<std::string>{"one"});
    pgbackrest.common = {{"config-include-path", (directory / "conf.d").string()}};
    CHECK(configured_stanzas(pgbackrest) == std::vector<std::string>{"one", "two"});
    pgbackrest.common = {{"config-include-path", (directory / "missing").string()}};
    const Failure failure = failure_in([&] { configured_stanzas(pgbackrest); });
    CHECK(failure.code() == ExitCode::usage);
    CHECK(std::string(failure.what()) == (directory / "missing").string() + " is not a directory");
}
