#include "patroni/configuration.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

namespace {

Configuration read(const std::string& text) {
    const Files files;
    return read_configuration({files.write("patroni.yml", text), {}}).value();
}

/// Line 4 is the first one of `keys`, which are indented by four.
MethodBlock block(const std::string& keys) {
    return read("bootstrap:\n  method: m\n  m:\n    command: c\n" + keys).method.value();
}

Strings block_problems(const std::string& keys) {
    return problems_of([&] { block(keys); });
}

/// `key=value @ place`; `key @ place` for one without values.
Strings show(const MethodBlock& method) {
    Strings result;
    for (const BlockEntry& entry : method.entries) {
        if (entry.values.empty()) {
            result.push_back(entry.key + " @ " + entry.place);
        }
        for (const Value& value : entry.values) {
            result.push_back(entry.key + "=" + value.text + " @ " + value.place);
        }
    }
    return result;
}

}  // namespace

TEST_CASE("the method's block is read in file order, without Patroni's own keys") {
    const Configuration configuration = read("bootstrap:\n"
                                             "  method: pgbackrest\n"
                                             "  pgbackrest:\n"
                                             "    command: patroni_pgbackrest bootstrap --log-level='debug 1'\n"
                                             "    no_params: true\n"
                                             "    stanza: demo\n"
                                             "    keep_existing_recovery_conf: on\n"
                                             "    scope: x\n"
                                             "    datadir: y\n"
                                             "    target: 2026-11-22 10:00:00+00\n"
                                             "    type: time\n");
    REQUIRE(configuration.method);
    CHECK(configuration.method_name->text == "pgbackrest");
    CHECK(configuration.method_name->place == "patroni.yml:2");
    CHECK(configuration.method->name == "pgbackrest");
    CHECK(configuration.method->place == "patroni.yml:3");
    CHECK(configuration.method->command == Strings{"patroni_pgbackrest", "bootstrap", "--log-level=debug 1"});
    CHECK(configuration.method->keep_existing_recovery_conf);
    CHECK_FALSE(configuration.method->recovery_conf);
    CHECK(show(*configuration.method) == Strings{"stanza=demo @ patroni.yml:6",
                                                 "target=2026-11-22 10:00:00+00 @ patroni.yml:10",
                                                 "type=time @ patroni.yml:11", "log-level=debug 1 @ patroni.yml:4"});
}

TEST_CASE("a list gives one value per item, a map one per name") {
    CHECK(show(block("    db-include:\n    - one\n    - two\n"
                     "    tablespace-map:\n      ts1: /a\n      ts2: /b\n"
                     "    link-map: [pg_wal=/wal, {log: /log}]\n")) ==
          Strings{"db-include=one @ patroni.yml:6", "db-include=two @ patroni.yml:7",
                  "tablespace-map=ts1=/a @ patroni.yml:9", "tablespace-map=ts2=/b @ patroni.yml:10",
                  "link-map=pg_wal=/wal @ patroni.yml:11", "link-map=log=/log @ patroni.yml:11"});
}

TEST_CASE("blank values count as not set") {
    CHECK(show(block(
              "    target:\n    set: ''\n    type: ~\n    repo: null\n    db-include: []\n    link-map: {pg_wal: }\n"
              "    tablespace-map: ['', ~]\n    delta: '  '\n")) ==
          Strings{"target @ patroni.yml:5", "set @ patroni.yml:6", "type @ patroni.yml:7", "repo @ patroni.yml:8",
                  "db-include @ patroni.yml:9", "link-map @ patroni.yml:10", "tablespace-map @ patroni.yml:11",
                  "delta @ patroni.yml:12"});
}

TEST_CASE("options in the command count more than the block's") {
    const auto read_with = [](const std::string& command, const std::string& more) {
        return show(*read("bootstrap:\n  method: m\n  m:\n    command: " + command + "\n" + more).method);
    };
    CHECK(
        read_with(
            "nice patroni_pgbackrest bootstrap --stanza=demo --type immediate --nearest --db-include=a --db-include=b",
            "    type: time\n    repo: 1\n") ==
        Strings{"repo=1 @ patroni.yml:6", "db-include=a @ patroni.yml:4", "db-include=b @ patroni.yml:4",
                "nearest=y @ patroni.yml:4", "stanza=demo @ patroni.yml:4", "type=immediate @ patroni.yml:4"});
    CHECK(read_with("/opt/restore.sh --stanza=demo", "    type: time\n") == Strings{"type=time @ patroni.yml:5"});
}

TEST_CASE("values are kept as they are written") {
    CHECK(show(block("    target-exclusive: Yes\n    repo: 1\n    target: 'it''s'\n    report: a # comment\n")) ==
          Strings{"target-exclusive=Yes @ patroni.yml:5", "repo=1 @ patroni.yml:6", "target=it's @ patroni.yml:7",
                  "report=a @ patroni.yml:8"});
}

TEST_CASE("keys that come from an anchor have the place where they are written") {
    const Configuration configuration =
        read("x: &x\n  stanza: demo\nbootstrap:\n  method: m\n  m:\n    <<: *x\n    command: c\n");
    CHECK(show(configuration.method.value()) == Strings{"stanza=demo @ patroni.yml:2"});
}

TEST_CASE("keep_existing_recovery_conf is what Python takes for true") {
    CHECK(block("    keep_existing_recovery_conf: true\n").keep_existing_recovery_conf);
    CHECK(block("    keep_existing_recovery_conf: 'false'\n").keep_existing_recovery_conf);
    CHECK_FALSE(block("    keep_existing_recovery_conf: off\n").keep_existing_recovery_conf);
    CHECK_FALSE(block("    keep_existing_recovery_conf:\n").keep_existing_recovery_conf);
}

TEST_CASE("recovery_conf is read with its names in lower case") {
    const auto settings =
        block("    recovery_conf:\n      restore_command: guard %f\n      Recovery_Target: ''\n      a:\n")
            .recovery_conf;
    REQUIRE(settings);
    REQUIRE(settings->size() == 3);
    CHECK(settings->at("restore_command").text == "guard %f");
    CHECK(settings->at("restore_command").place == "patroni.yml:6");
    CHECK(settings->at("recovery_target").text.empty());
    CHECK(settings->at("a").text.empty());
}

TEST_CASE("a recovery_conf that is empty is there: Patroni only asks for the key") {
    CHECK(block("    recovery_conf:\n").recovery_conf);
    CHECK(block("    recovery_conf: {}\n").recovery_conf);
    CHECK_FALSE(block("").recovery_conf);
}

TEST_CASE("a method that Patroni would not take keeps its name only") {
    for (const char* text :
         {"bootstrap: {method: m}\n", "bootstrap: {method: m, m: }\n", "bootstrap: {method: m, m: {stanza: demo}}\n",
          "bootstrap: {method: m, M: {command: c}}\n"}) {
        INFO(text);
        const Configuration configuration = read(text);
        CHECK_FALSE(configuration.method);
        REQUIRE(configuration.method_name);
        CHECK(configuration.method_name->text == "m");
    }
    CHECK_FALSE(read("bootstrap: {method: initdb, initdb: {command: c}}\n").method);
    CHECK_FALSE(read("bootstrap: {method: initdb, initdb: [data-checksums]}\n").method);
    CHECK_FALSE(read("bootstrap: {m: {command: c}}\n").method_name);
}

TEST_CASE("wrong types in the method's block are reported together") {
    CHECK(block_problems("    set: {a: [b]}\n    repo: [[1]]\n    recovery_conf: text\n") ==
          Strings{"patroni.yml:5: bootstrap.m.set is nested too deeply",
                  "patroni.yml:6: bootstrap.m.repo is nested too deeply",
                  "patroni.yml:7: bootstrap.m.recovery_conf is not a map"});
    CHECK(block_problems("    recovery_conf: {restore_command: [a]}\n") ==
          Strings{"patroni.yml:5: bootstrap.m.recovery_conf.restore_command is not a single value"});
    CHECK(problems_of([] { read("bootstrap:\n  method: m\n  m: text\n"); }) ==
          Strings{"patroni.yml:3: bootstrap.m, which bootstrap.method names, is not a map"});
    CHECK(problems_of([] { read("bootstrap:\n  method: [m]\n"); }) ==
          Strings{"patroni.yml:2: bootstrap.method is a list"});
}

TEST_CASE("a command that Patroni cannot run is refused") {
    const auto refused = [](const std::string& command) {
        return problems_of([&] { read("bootstrap:\n  method: m\n  m:\n    command: " + command + "\n"); });
    };
    CHECK(refused("") == Strings{"patroni.yml:4: bootstrap.m.command is empty"});
    CHECK(refused("[a, b]") == Strings{"patroni.yml:4: bootstrap.m.command is no line of text"});
    CHECK(refused("a 'b") == Strings{"patroni.yml:4: bootstrap.m.command has a quote that is not closed"});
}

TEST_CASE("a number that reaches PostgreSQL in another form is refused") {
    CHECK(
        block_problems("    type: xid\n    target: 0755\n    recovery_conf:\n      recovery_target_name: 1.10\n") ==
        Strings{
            "patroni.yml:6: bootstrap.m.target: YAML takes 0755 for an octal number, and Patroni passes it on in "
            "another form",
            "patroni.yml:8: bootstrap.m.recovery_conf.recovery_target_name: YAML takes 1.10 for a number, and Patroni "
            "passes it on in another form"});
    CHECK(block_problems("    target: '0755'\n    repo: 1\n").empty());
}

TEST_CASE("a time in recovery_conf must be in quotes, or older PyYAML drops its offset") {
    CHECK(block_problems("    recovery_conf:\n      recovery_target_time: 2026-11-22 10:00:00+02\n") ==
          Strings{
              "patroni.yml:6: bootstrap.m.recovery_conf.recovery_target_time is not in quotes: older PyYAML drops its "
              "offset, so that Patroni would recover to another moment"});
    CHECK(block_problems("    recovery_conf:\n      recovery_target_time: '2026-11-22 10:00:00+02'\n").empty());
}
