#include "request/settings.hpp"

#include "support/catch.hpp"
#include "support/requests.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest;

namespace {

/// A patroni.yml whose method's block holds these lines; the first of them is line 6.
std::optional<patroni::Configuration> block(const std::string& lines) {
    return patroni_yml("scope: demo\n"
                       "bootstrap:\n"
                       "  method: pgbackrest\n"
                       "  pgbackrest:\n"
                       "    command: patroni_pgbackrest bootstrap\n" +
                       lines);
}

bool flag(const std::string& value) {
    Settings settings({{"link-all", value}}, std::nullopt);
    const bool result = settings.flag("link-all");
    CHECK(settings.problems().empty());
    return result;
}

}  // namespace

TEST_CASE("what the command line gives hides what the block gives") {
    const Settings settings({{"stanza", "other"}}, block("    stanza: demo\n    repo: 2\n"));
    REQUIRE(settings.value("stanza"));
    CHECK(settings.value("stanza")->text == "other");
    CHECK(settings.place("stanza") == "--stanza");
    REQUIRE(settings.value("repo"));
    CHECK(settings.value("repo")->text == "2");
    CHECK(settings.place("repo") == "patroni.yml:7");
    CHECK_FALSE(settings.value("set"));
    CHECK(settings.place("set") == "--set");
    CHECK(settings.problems().empty());
}

TEST_CASE("a list on the command line replaces the block's list") {
    const Settings settings({{"db-include", "a"}, {"db-include", "b"}}, block("    db-include: [c, d, e]\n"));
    const auto values = settings.values("db-include");
    REQUIRE(values.size() == 2);
    CHECK(values[0].text == "a");
    CHECK(values[1].text == "b");
}

TEST_CASE("a list or a map of the block gives one value an item, each with its line") {
    const Settings settings({}, block("    db-include:\n      - one\n      - two\n"
                                      "    tablespace-map:\n      ts1: /srv/ts1\n"));
    const auto databases = settings.values("db-include");
    REQUIRE(databases.size() == 2);
    CHECK(databases[1].text == "two");
    CHECK(databases[1].place == "patroni.yml:8");
    const auto map = settings.values("tablespace-map");
    REQUIRE(map.size() == 1);
    CHECK(map[0].text == "ts1=/srv/ts1");
}

TEST_CASE("a blank value counts as not set, on the command line and in the block") {
    const Settings settings({{"set", ""}, {"type", "  "}}, block("    target:\n    repo: ''\n"));
    for (const std::string name : {"set", "type", "target", "repo"}) {
        CAPTURE(name);
        CHECK_FALSE(settings.value(name));
    }
    CHECK(settings.problems().empty());
}

TEST_CASE("of a single value that is given twice on the command line the last one counts") {
    const Settings settings({{"stanza", "one"}, {"stanza", "two"}}, std::nullopt);
    CHECK(settings.value("stanza")->text == "two");
    CHECK(settings.problems().empty());
}

TEST_CASE("a list where one value belongs is an error of the block") {
    const Settings settings({}, block("    stanza: [one, two]\n"));
    CHECK(settings.problems() ==
          Problems{{"option 'stanza' takes one value", "give one value instead of a list", "patroni.yml:6"}});
}

TEST_CASE("an unknown key names the nearest known one") {
    const Settings settings({{"stansa", "x"}}, block("    tagret: x\n    no_param: true\n    recovery_config: x\n"
                                                     "    colour: blue\n    delta: true\n"));
    CHECK(settings.problems() ==
          Problems{
              {"unknown option 'stansa'", "did you mean 'stanza'?", "--stansa"},
              {"unknown option 'tagret'", "did you mean 'target'?", "patroni.yml:6"},
              {"unknown option 'no_param'", "did you mean 'no_params'?", "patroni.yml:7"},
              {"unknown option 'recovery_config'", "did you mean 'recovery_conf'?", "patroni.yml:8"},
              {"unknown option 'colour'", "see patroni_pgbackrest bootstrap --help for the options there are",
               "patroni.yml:9"},
              {"unknown option 'delta'",
               "leave it out: an interrupted copy is always continued with --delta, a new one never needs it",
               "patroni.yml:10"},
          });
}

TEST_CASE("a flag is read in every way in which YAML, Python and pgBackRest write it") {
    for (const std::string yes : {"y", "Y", "yes", "true", "True", "TRUE", "on", "1", " y "}) {
        CAPTURE(yes);
        CHECK(flag(yes));
    }
    for (const std::string no : {"n", "no", "false", "False", "off", "0"}) {
        CAPTURE(no);
        CHECK_FALSE(flag(no));
    }
}

TEST_CASE("a flag without a value is set on the command line, and not set in the block") {
    CHECK(flag(""));
    Settings settings({}, block("    link-all:\n"));
    CHECK_FALSE(settings.flag("link-all"));
}

TEST_CASE("a flag with another value is refused") {
    Settings settings({{"link-all", "maybe"}}, std::nullopt);
    CHECK_FALSE(settings.flag("link-all"));
    CHECK(settings.problems() == Problems{{"'maybe' is not a value for link-all", "use y or n", "--link-all"}});
}

TEST_CASE("a number is read within its bounds") {
    const auto number = [](const std::string& text) {
        Settings settings({{"process-max", text}}, std::nullopt);
        const auto result = settings.number("process-max", 1, 999);
        CHECK(result.has_value() == settings.problems().empty());
        if (!result) {
            CHECK(settings.problems() == Problems{{"'" + text + "' is not a value for process-max",
                                                   "use a whole number from 1 to 999", "--process-max"}});
        }
        return result.value_or(0);
    };
    CHECK(number("1") == 1);
    CHECK(number(" 8 ") == 8);
    CHECK(number("999") == 999);
    for (const std::string text : {"0", "1000", "-1", "2.5", "many", "0x2", "99999999999999999999"}) {
        CAPTURE(text);
        CHECK(number(text) == 0);
    }
}
