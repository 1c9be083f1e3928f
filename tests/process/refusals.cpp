#include "fake_repository.hpp"
#include "support/catch.hpp"

#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

namespace {

/// The lines of a log for a program.
std::vector<nlohmann::json> entries(const std::string& log) {
    std::vector<nlohmann::json> found;
    std::istringstream lines(log);
    for (std::string line; std::getline(lines, line);) {
        found.push_back(nlohmann::json::parse(line));
    }
    return found;
}

const std::string usage = " ERROR: exit code 2: usage or configuration error\n";

}  // namespace

TEST_CASE("--version and --help are answered on standard output alone") {
    Program version({"--version"});
    CHECK(version.wait() == 0);
    CHECK(version.output().find("patroni_pgbackrest ") == 0);
    CHECK(version.errors().empty());
    Program help({"--help"});
    CHECK(help.wait() == 0);
    CHECK(contains(help.output(), "200  archive-get only: PostgreSQL must abort recovery"));
    CHECK(help.errors().empty());
}

TEST_CASE("what cannot be printed is no answer") {
    const Directory directory;
    const auto data = "--datadir=" + directory.path("data").string();
    for (const Words& words :
         {Words{"check", "--explain=no-rehearsal"}, Words{"status", data}, Words{"status", data, "--format=json"}}) {
        CAPTURE(words.back());
        Words script{"-c", "exec \"$0\" \"$@\" > /dev/full", PROGRAM};
        script.insert(script.end(), words.begin(), words.end());
        Program program(script, {.executable = "/bin/sh", .name = "sh"});
        CHECK(program.wait() == 11);
        CHECK(contains(program.errors(), error("cannot write to standard output: No space left on device",
                                               "see where standard output goes: a disk needs room for it, and who "
                                               "reads it must read all of it")));
    }
}

TEST_CASE("without a command, and with an unknown one, it ends with 2 and names --help") {
    for (const Words& words : {Words{}, Words{"restore"}, Words{"--datadir=/data"}}) {
        Program program(words);
        CHECK(program.wait() == 2);
        CHECK(contains(program.errors(), "\n  HINT: see patroni_pgbackrest --help\n"));
        CHECK(contains(program.errors(), usage));
        CHECK(program.output().empty());
    }
}

TEST_CASE("a broken patroni.yml is told with its line, whose text is not shown, and nothing is made") {
    const FakeRepository repository;
    repository.directory.write("patroni.yml", "scope: demo\nbootstrap:\n  method: [x\n  password: mellon\n");
    Program program(repository.bootstrap(), repository.how());
    CHECK(program.wait() == 2);
    CHECK(contains(program.errors(), "patroni.yml:4: broken YAML: "));
    CHECK(
        contains(program.errors(), "\n  HINT: correct the line, which is not shown because it may hold a password\n"));
    CHECK(contains(program.errors(), usage));
    CHECK_FALSE(contains(program.errors(), "mellon"));
    CHECK_FALSE(repository.directory.has("data.restoring.d"));
    CHECK(repository.calls().empty());
}

TEST_CASE("a patroni.yml that is not there is told by its path") {
    const FakeRepository repository;
    const auto path = repository.directory.path("missing.yml").string();
    Program program(repository.bootstrap({"--patroni-config=" + path}), repository.how());
    CHECK(program.wait() == 2);
    CHECK(contains(program.errors(), error(path + " does not exist",
                                           "name Patroni's configuration with --patroni-config: a YAML file, or a "
                                           "directory of *.yml and *.yaml")));
}

TEST_CASE("everything that is wrong in a request is told at once, and nothing is made") {
    const FakeRepository repository;
    Program program(repository.bootstrap({"--tagret=x", "--type=time", "--archive-mode=off"}), repository.how());
    CHECK(program.wait() == 2);
    CHECK(contains(program.errors(), error("--tagret: unknown option 'tagret'", "did you mean 'target'?")));
    CHECK(contains(program.errors(), error("--type: type time needs a target", "set target as well")));
    CHECK(contains(program.errors(), " ERROR: --archive-mode: archive-mode off is refused\n"));
    CHECK(repository.directory.entries() == Words{"bin", "patroni.yml", "repository"});
}

TEST_CASE("a pgbackrest that is not installed is told with what to install") {
    const FakeRepository repository;
    const auto missing = repository.directory.path("no-such-pgbackrest").string();
    Program program(repository.bootstrap({"--pgbackrest=" + missing}), repository.how());
    CHECK(program.wait() == 3);
    CHECK(contains(program.errors(),
                   "\n  HINT: install pgBackRest 2.33 or later, or name its program with the option pgbackrest\n"));
    CHECK(contains(program.errors(), " ERROR: exit code 3: preflight refused\n"));
    CHECK_FALSE(repository.directory.has("data"));
}

TEST_CASE("a data directory that is not empty is refused, and neither it nor the repository is touched") {
    const FakeRepository repository;
    repository.directory.write("data/PG_VERSION", "15\n");
    repository.directory.write("data/base/1/1259", "theirs");
    Program program(repository.bootstrap(), repository.how());
    CHECK(program.wait() == 9);
    CHECK(contains(program.errors(), "data directory " + repository.data() + " is not empty: "));
    CHECK(contains(program.errors(),
                   "\n  HINT: move it away yourself if it is not needed: nothing in it is ever overwritten\n"));
    CHECK(contains(program.errors(), " ERROR: exit code 9: refused for safety\n"));
    CHECK(repository.directory.entries("data") == Words{"PG_VERSION", "base"});
    CHECK(repository.directory.read("data/base/1/1259") == "theirs");
    CHECK_FALSE(repository.directory.has("data.restoring.d"));
    CHECK(repository.calls().empty());
}

TEST_CASE("a name that Patroni may have in a variable is missed aloud, when a person calls") {
    const FakeRepository repository;
    const std::string named = "    replication: {username: replicator}\n";
    auto text = repository.directory.read("patroni.yml");
    repository.directory.write("patroni.yml", text.erase(text.find(named), named.size()));
    Program program(repository.bootstrap(), repository.how());
    program.wait();
    CHECK(contains(program.errors(),
                   "patroni.yml:7: postgresql.authentication.replication.username is not set: Patroni "
                   "ends each bootstrap with a KeyError, after the restore\n  HINT: set "
                   "postgresql.authentication.replication.username"));
    CHECK(contains(repository.calls(), "restore"));
}

TEST_CASE("a restore that pgbackrest refuses for good ends with its words, and the report is written") {
    const FakeRepository repository;
    const auto report = repository.directory.path("report.json").string();
    Program program(repository.bootstrap({"--report=" + report}),
                    repository.how({{"FAKE_ONLY", "* restore"},
                                    {"FAKE_FAIL", "95"},
                                    {"FAKE_ERRORS", "ERROR: [095]: unable to flush, pass=mellon"}}));
    CHECK(program.wait() == 5);
    CHECK(contains(program.errors(),
                   " ERROR: restore of backup set 20261122-080000F failed: pgbackrest exited with code 95 (crypto): "
                   "unable to flush, pass=<redacted>\n"));
    CHECK_FALSE(repository.directory.has("data"));

    const auto content = nlohmann::json::parse(repository.directory.read("report.json"));
    CHECK(content.at("command") == "bootstrap");
    CHECK(content.at("phase") == "copy");
    CHECK(content.at("scope") == "demo");
    CHECK(content.at("stanza") == "demo");
    CHECK(content.at("plan").at("backup_set") == "20261122-080000F");
    CHECK(content.at("plan").at("last_segment") == "000000010000000000000003");
    CHECK(content.at("versions").at("pgbackrest") == "2.45");
    CHECK(content.at("outcome").at("exit_code") == 5);
    CHECK(content.at("outcome").at("retryable") == false);
    CHECK(content.at("outcome").at("problems").size() == 1);
    CHECK_FALSE(contains(program.errors() + content.dump(), "mellon"));
}

TEST_CASE("a request that is in error is reported too") {
    const FakeRepository repository;
    const auto report = repository.directory.path("report.json").string();
    Program program(repository.bootstrap({"--report=" + report, "--target=748"}), repository.how());
    CHECK(program.wait() == 2);
    const auto content = nlohmann::json::parse(repository.directory.read("report.json"));
    CHECK(content.at("phase") == "request");
    CHECK(content.at("outcome").at("problems") ==
          nlohmann::json::array({{{"place", "--target"},
                                  {"message", "target without a type"},
                                  {"hint", "set type to time, xid, lsn or name, or leave target out"}}}));
}

TEST_CASE("a copy that fails and may pass is tried again, and goes on where it was") {
    const FakeRepository repository;
    Program program(
        repository.bootstrap({"--retry=1", "--retry-wait=0"}),
        repository.how({{"FAKE_ONLY", "* restore"},
                        {"FAKE_FAIL", "49"},
                        {"FAKE_RUN", "[ \"$command\" != restore ] || touch \"$FAKE_PG1_PATH/backup.manifest\""}}));
    CHECK(program.wait() == 6);
    CHECK(contains(program.errors(), " WARNING: pgbackrest exited with code 49 (host-connect), trying again in 0 s (1 "
                                     "of 1)\n"));
    CHECK(contains(repository.calls(), " --delta "));
    CHECK_FALSE(repository.directory.has("data"));
    CHECK(repository.directory.has("data.restoring/backup.manifest"));
}

TEST_CASE("a failure leaves its metrics, and a metrics file that cannot be written is a warning") {
    const FakeRepository repository;
    const auto how = repository.how({{"FAKE_ONLY", "* restore"}, {"FAKE_FAIL", "95"}});
    Program program(repository.bootstrap({"--metrics-file=" + repository.directory.path("x.prom").string()}), how);
    CHECK(program.wait() == 5);
    const auto metrics = repository.directory.read("x.prom");
    CHECK(contains(metrics,
                   "\npatroni_pgbackrest_last_run_exit_code{run=\"restore\",scope=\"demo\",stanza=\"demo\"} 5\n"));
    CHECK(contains(metrics, ",phase=\"copy\",backup_set=\"20261122-080000F\","));
    Program warned(repository.bootstrap({"--metrics-file=/no/such/x.prom"}), how);
    CHECK(warned.wait() == 5);
    CHECK(contains(warned.errors(), " WARNING: cannot write beside /no/such/x.prom: No such file or directory\n"));
}

TEST_CASE("with --log-format=json every line of standard error is an object, from the first error to the exit code") {
    for (const Words& words : {Words{"restore", "--log-format=json"}, Words{"status", "--log-format", "json"},
                               Words{"bootstrap", "--tagret=x", "--log-format=json"}}) {
        Program program(words);
        CHECK(program.wait() == 2);
        const auto told = entries(program.errors());
        REQUIRE(told.size() >= 2);
        CHECK(told.front().at("level") == "error");
        CHECK_FALSE(told.front().at("hint").get<std::string>().empty());
        CHECK(told.back().at("exit_code") == 2);
        CHECK(told.back().at("message") == "exit code 2: usage or configuration error");
    }
}

TEST_CASE("the method's block says the log's format as well, also where the request is in error") {
    const FakeRepository repository;
    auto text = repository.directory.read("patroni.yml");
    const std::string command = "    command: patroni_pgbackrest bootstrap\n";
    repository.directory.write("patroni.yml", text.insert(text.find(command), "    log-format: json\n"));
    Program program(repository.bootstrap({"--tagret=x"}), repository.how());
    CHECK(program.wait() == 2);
    REQUIRE_FALSE(entries(program.errors()).empty());
    CHECK(entries(program.errors()).back().at("exit_code") == 2);
    Program text_again(repository.bootstrap({"--tagret=x", "--log-format=text"}), repository.how());
    CHECK(text_again.wait() == 2);
    CHECK(contains(text_again.errors(), usage));
}

TEST_CASE("what is done says so in a log for a program alone") {
    const FakeRepository repository;
    Program quiet({"status", "--datadir=" + repository.data()});
    CHECK(quiet.wait() == 0);
    CHECK(quiet.errors().empty());
    Program told({"status", "--datadir=" + repository.data(), "--log-format=json"});
    CHECK(told.wait() == 0);
    REQUIRE(entries(told.errors()).size() == 1);
    CHECK(entries(told.errors()).front().at("exit_code") == 0);
}
