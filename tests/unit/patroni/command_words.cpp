#include "patroni/command_words.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

#include <cstdlib>
#include <sys/stat.h>

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

TEST_CASE("a word behind somebody's script is not the program's, and what stands before the program is") {
    const auto call = [](const Strings& words) { return call_of_us(words, "bootstrap"); };
    const auto words = [&](const Strings& line) { return call(line).value_or(CallOfUs{}).words; };
    const auto variables = [&](const Strings& line) { return call(line).value_or(CallOfUs{}).variables; };
    CHECK(words({"/usr/bin/patroni_pgbackrest", "bootstrap", "--repo=1"}) == Strings{"bootstrap", "--repo=1"});
    CHECK(words({"nice", "-n", "5", "patroni_pgbackrest", "bootstrap"}) == Strings{"bootstrap"});
    for (const auto& line :
         std::vector<Strings>{{},
                              {"patroni_pgbackrest"},
                              {"bootstrap"},
                              {"/etc/dr.sh", "bootstrap"},
                              {"/etc/dr.sh", "patroni_pgbackrest", "restore", "bootstrap"},
                              {"/etc/dr.sh", "--with=/usr/bin/patroni_pgbackrest", "bootstrap"},
                              {"bash", "-c", "exec patroni_pgbackrest bootstrap \"$@\"", "bootstrap"},
                              {"sh", "-c", "exec \"$0\" \"$@\" --repo=2", "patroni_pgbackrest", "bootstrap"}}) {
        CAPTURE(line);
        CHECK_FALSE(call(line));
    }
    const Strings with_variables{
        "env",       "A=b c",     "X=/usr/bin/patroni_pgbackrest", "PGBACKREST_CONFIG=", "nice", "patroni_pgbackrest",
        "bootstrap", "--target=a"};
    CHECK(words(with_variables) == Strings{"bootstrap", "--target=a"});
    CHECK(variables(with_variables) == Strings{"A=b c", "X=/usr/bin/patroni_pgbackrest", "PGBACKREST_CONFIG="});
    CHECK(variables({"x", "1a=b", "=c", "--d=e", "./f=g", "patroni_pgbackrest", "bootstrap"}) == Strings{});
}

TEST_CASE("a program is found through PATH, and through a link of another name") {
    const Files files;
    const auto make = [&](const std::string& name) { ::chmod(files.write(name, "#!/bin/sh\n").c_str(), 0755); };
    make("opt/patroni_pgbackrest");
    make("opt/other");
    std::filesystem::create_directories(files.path("bin"));
    std::filesystem::create_symlink("../opt/patroni_pgbackrest", files.path("bin/bring-back"));
    std::filesystem::create_symlink("../opt/other", files.path("bin/other-link"));
    const std::string before = std::getenv("PATH");
    ::setenv("PATH", (files.path("bin").string() + ":" + before).c_str(), 1);
    CHECK(calls_us("bring-back bootstrap", "bootstrap"));
    CHECK(calls_us("env A=b bring-back bootstrap", "bootstrap"));
    CHECK(calls_us(files.path("bin/bring-back").string() + " bootstrap", "bootstrap"));
    CHECK_FALSE(calls_us("other-link bootstrap", "bootstrap"));
    CHECK_FALSE(calls_us("bring-back", "bootstrap"));
    CHECK_FALSE(calls_us("no-such-program bootstrap", "bootstrap"));
    CHECK(words_from("nice bring-back bootstrap", "patroni_pgbackrest") == Strings{"bring-back", "bootstrap"});
    CHECK(file_of("bring-back") == files.path("bin/bring-back"));
    for (const char* word : {"--bring-back", "a=bring-back", "./bring-back", "", "/no/such/file"}) {
        CAPTURE(word);
        CHECK_FALSE(file_of(word));
    }
    ::setenv("PATH", before.c_str(), 1);
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
