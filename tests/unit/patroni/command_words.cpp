#include "patroni/command_words.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

TEST_CASE("a command line is read as a shell reads it, and a quoted line in it too") {
    CHECK(command_words("a 'b c' \"d\"") == Strings{"a", "b", "c", "d"});
    CHECK(command_words("sh -c 'a --x=\"b c\"'") == Strings{"sh", "-c", "a", "--x=b c"});
    CHECK(command_words("a '--config=/a b'") == Strings{"a", "--config=/a b"});
    CHECK(command_words("a 'b") == Strings{});
}

TEST_CASE("a program is found behind wrappers") {
    CHECK(calls_us("patroni_pgbackrest bootstrap", "bootstrap"));
    CHECK(calls_us("env A=b nice /usr/bin/patroni_pgbackrest bootstrap --stanza=a", "bootstrap"));
    CHECK(calls_us("bash -c 'exec patroni_pgbackrest bootstrap \"$@\"' --", "bootstrap"));
    CHECK_FALSE(calls_us("patroni_pgbackrest verify", "bootstrap"));
    CHECK_FALSE(calls_us("/opt/restore.sh", "bootstrap"));
    CHECK(calls_pgbackrest("sudo -u postgres pgbackrest --stanza=a --delta restore", "restore"));
    CHECK_FALSE(calls_pgbackrest("restore", "restore"));
    CHECK(words_from("nice /a/pgbackrest restore", "pgbackrest") == Strings{"/a/pgbackrest", "restore"});
}

TEST_CASE("an option's last value counts, in either form") {
    const auto option = [](const std::string& command, const char* name) {
        return option_in(command_words(command), name);
    };
    CHECK(option("p --stanza=\"demo\" x", "stanza") == "demo");
    CHECK(option("p --stanza 'demo' x", "stanza") == "demo");
    CHECK(option("p --stanza=a --stanza=b", "stanza") == "b");
    CHECK(option("p --nearest --stanza=a", "nearest") == "");
    CHECK_FALSE(option("p --stanzas=a", "stanza"));
}

TEST_CASE("an option is taken out or changed, and each other byte stays") {
    CHECK(without_options("a  --x=1 'b  c' --y 2 d", {"x", "y"}) == "a 'b  c' d");
    CHECK(without_options("a --x", {"x"}) == "a");
    CHECK(without_options("a 'b' ", {"x"}) == "a 'b' ");
    CHECK_FALSE(without_options("sh -c 'a --x=1'", {"x"}));
    CHECK(with_option("a --x=1 \"%p\"", "x", "2 3") == "a '--x=2 3' \"%p\"");
    CHECK(with_option("a --x 1  b", "x", "2") == "a --x=2  b");
    CHECK_FALSE(with_option("sh -c 'a --x=1'", "x", "2"));
    CHECK_FALSE(with_option("a b", "x", "2"));
}
