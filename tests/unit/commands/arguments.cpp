#include "commands/arguments.hpp"

#include "support/catch.hpp"

#include <cstdlib>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::commands;

namespace {

using Words = std::vector<std::string>;

/// A method's block with these keys, whose command line is `/usr/bin/patroni_pgbackrest bootstrap` and `more`.
patroni::MethodBlock block(const Words& keys, const Words& more = {}) {
    patroni::MethodBlock block;
    block.command = {"/usr/bin/patroni_pgbackrest", "bootstrap"};
    block.command.insert(block.command.end(), more.begin(), more.end());
    for (const auto& key : keys) {
        block.entries.push_back({key, {{"from the block", "patroni.yml:9"}}, "patroni.yml:9"});
    }
    return block;
}

}  // namespace

TEST_CASE("Patroni before 3.2 appends scope and data directory, and both are kept") {
    const Words words{"bootstrap", "--scope=demo", "--datadir=/data"};
    CHECK(without_appended(words, block({"stanza", "target"})) == words);
}

TEST_CASE("Patroni 3.2 and later append every key of the block, which are taken off") {
    CHECK(without_appended({"bootstrap", "--scope=demo", "--datadir=/data", "--stanza=demo",
                            "--target=2026-11-22 10:00:00", "--db-include=['a', 'b']", "--link-all=True"},
                           block({"stanza", "target", "db-include", "link-all"})) ==
          Words{"bootstrap", "--scope=demo", "--datadir=/data"});
}

TEST_CASE("Patroni 3.2.0 also appends the command, which is taken off") {
    CHECK(without_appended({"bootstrap", "--scope=demo", "--datadir=/data", "--stanza=demo",
                            "--command=/usr/bin/patroni_pgbackrest bootstrap"},
                           block({"stanza"})) == Words{"bootstrap", "--scope=demo", "--datadir=/data"});
}

TEST_CASE("with no_params the keys follow the command line at once") {
    CHECK(without_appended({"bootstrap", "--stanza=demo"}, block({"stanza"})) == Words{"bootstrap"});
    CHECK(without_appended({"bootstrap", "--datadir", "/data", "--stanza=demo"},
                           block({"stanza"}, {"--datadir", "/data"})) == Words{"bootstrap", "--datadir", "/data"});
    CHECK(without_appended({"bootstrap"}, block({"stanza"})) == Words{"bootstrap"});
    auto in_env = block({"stanza", "tablespace-map"});
    in_env.command = {"env", "PGBACKREST_CONFIG=/x.conf", "/usr/bin/patroni_pgbackrest", "bootstrap", "--stanza=other"};
    CHECK(without_appended({"bootstrap", "--stanza=other", "--stanza=demo", "--tablespace-map=['a=/b']"}, in_env) ==
          Words{"bootstrap", "--stanza=other"});
}

TEST_CASE("what the block's command line says itself is kept, also where a key says it too") {
    CHECK(without_appended({"bootstrap", "--stanza=other", "--scope=demo", "--datadir=/data", "--stanza=demo"},
                           block({"stanza"}, {"--stanza=other"})) ==
          Words{"bootstrap", "--stanza=other", "--scope=demo", "--datadir=/data"});
    CHECK(without_appended({"bootstrap", "--stanza=other", "--stanza=demo"}, block({"stanza"}, {"--stanza=other"})) ==
          Words{"bootstrap", "--stanza=other"});
}

TEST_CASE("behind a wrapper script, whose own words are not known, the keys are found after the data directory") {
    auto wrapped = block({"stanza", "repo"});
    wrapped.command = {"/usr/local/bin/restore.sh"};
    CHECK(without_appended({"bootstrap", "--log-level=debug", "--repo=2", "--scope=demo", "--datadir=/data",
                            "--stanza=demo", "--repo=1"},
                           wrapped) ==
          Words{"bootstrap", "--log-level=debug", "--repo=2", "--scope=demo", "--datadir=/data"});
}

TEST_CASE("a call that the block does not explain is that of an earlier one") {
    const Words call{"bootstrap", "--scope=demo", "--datadir=/data", "--stanza=demo", "--target-timeline=1"};
    CHECK_FALSE(left_of_earlier_block(call, block({"stanza", "target-timeline"})));
    CHECK(left_of_earlier_block(call, block({"stanza"})) == "--target-timeline is not in it");
    // Patroni before 3.2 appends no keys, and 3.2.0 the command as well.
    CHECK_FALSE(left_of_earlier_block({"bootstrap", "--scope=demo", "--datadir=/data"}, block({"stanza", "target"})));
    CHECK_FALSE(left_of_earlier_block({"bootstrap", "--scope=demo", "--datadir=/data", "--command=x bootstrap"},
                                      block({"stanza"})));
    CHECK_FALSE(left_of_earlier_block({"bootstrap", "--stanza=demo"}, block({"stanza"})));  // no_params
    CHECK_FALSE(left_of_earlier_block({"bootstrap", "--set", "a", "--scope=demo", "--datadir=/data"},
                                      block({"stanza"}, {"--set", "a"})));
    for (const auto& more : {Words{"--set=b"}, Words{"--set=a", "--repo=1"}}) {
        CHECK(left_of_earlier_block({"bootstrap", "--set=a", "--scope=demo", "--datadir=/data"}, block({}, more)) ==
              "its command is another");
    }
    auto wrapped = block({"stanza"});
    wrapped.command = {"/usr/local/bin/restore.sh"};
    CHECK_FALSE(left_of_earlier_block(call, wrapped));
    wrapped.command = {"sh", "-c", "exec patroni_pgbackrest bootstrap --repo=1 \"$@\"", "sh"};
    CHECK_FALSE(left_of_earlier_block(call, wrapped));
}

TEST_CASE("a word that Patroni did not make from the block is kept, to be judged") {
    CHECK(without_appended({"bootstrap", "--scope=demo", "--datadir=/data", "--stanza=demo", "--tagret=x", "extra"},
                           block({"stanza"})) ==
          Words{"bootstrap", "--scope=demo", "--datadir=/data", "--tagret=x", "extra"});
}

TEST_CASE("the value of an option is found in a raw command line, the last one counts") {
    CHECK_FALSE(value_in({}, "patroni-config"));
    CHECK_FALSE(value_in({"bootstrap", "--patroni-configuration=x"}, "patroni-config"));
    CHECK_FALSE(value_in({"bootstrap", "--patroni-config"}, "patroni-config"));
    CHECK(value_in({"bootstrap", "--patroni-config=/a.yml"}, "patroni-config") == "/a.yml");
    CHECK(value_in({"bootstrap", "--patroni-config", "/a.yml"}, "patroni-config") == "/a.yml");
    CHECK(value_in({"--patroni-config=/a.yml", "--patroni-config=/b=c.yml"}, "patroni-config") == "/b=c.yml");
}

TEST_CASE("what stands before the program in the block's command becomes this program's own variable") {
    const auto own = [](const char* name) {
        const char* value = std::getenv(name);
        return value == nullptr ? std::string("none") : std::string(value);
    };
    ::setenv("PGBACKREST_REPO1_PATH", "/of/the/shell", 1);
    ::setenv("PGBACKREST_REPO1_TYPE", "s3", 1);
    patroni::Configuration configuration;
    take_variables(configuration);
    configuration.method = block({});
    configuration.method->command = {"/etc/restore.sh", "PGBACKREST_REPO1_PATH=/of/a/script"};
    take_variables(configuration);
    CHECK(own("PGBACKREST_REPO1_PATH") == "/of/the/shell");
    configuration.method->command = {"env", "PGBACKREST_REPO1_PATH=/of/the/block",
                                     "PGBACKREST_REPO1_TYPE=", "/usr/bin/patroni_pgbackrest", "bootstrap"};
    take_variables(configuration);
    CHECK(own("PGBACKREST_REPO1_PATH") == "/of/the/block");
    CHECK(own("PGBACKREST_REPO1_TYPE") == "none");
    ::unsetenv("PGBACKREST_REPO1_PATH");
}
