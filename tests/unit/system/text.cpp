#include "system/text.hpp"

#include "support/catch.hpp"

namespace patroni_pgbackrest::system {

using Words = std::vector<std::string>;

TEST_CASE("trim takes white space from both ends") {
    CHECK(trim("  a b\t\r\n") == "a b");
    CHECK(trim("a") == "a");
    CHECK(trim(" \n ").empty());
    CHECK(trim("").empty());
}

TEST_CASE("split keeps empty parts") {
    CHECK(split("a,,b,", ',') == Words{"a", "", "b", ""});
    CHECK(split("", ',') == Words{""});
}

TEST_CASE("lines end with a line break or with the text") {
    CHECK(lines("a\nb\n") == Words{"a", "b"});
    CHECK(lines("a\n\nb") == Words{"a", "", "b"});
    CHECK(lines("\n") == Words{""});
    CHECK(lines("").empty());
}

TEST_CASE("a text on one line has a space for each character that a terminal obeys, and all others") {
    CHECK(on_one_line("a\nb\x1B[2J\x7F\tc") == "a b [2J  c");
    CHECK(on_one_line("\xC2\x9B\x32J \xC2\x80\xC2\x9F") == " 2J   ");
    CHECK(on_one_line("\xC2\xA0\xC3\xA4\xE2\x82\xAC\xC2") == "\xC2\xA0\xC3\xA4\xE2\x82\xAC\xC2");
    CHECK(on_one_line("").empty());
}

TEST_CASE("join puts the separator between words only") {
    CHECK(join({"a", "b", "c"}, ", ") == "a, b, c");
    CHECK(join({"a"}, ", ") == "a");
    CHECK(join({}, ", ").empty());
}

TEST_CASE("lower changes ASCII letters and nothing else") {
    CHECK(lower("Stanza-Ä9Z") == "stanza-Ä9z");
}

TEST_CASE("shell words are what Python's shlex.split gives") {
    const std::vector<std::pair<std::string, Words>> table = {
        {"", {}},
        {"  \t ", {}},
        {"a b  c", {"a", "b", "c"}},
        {"a\nb\rc", {"a", "b", "c"}},
        {"'a b' c", {"a b", "c"}},
        {"a'b c'd", {"ab cd"}},
        {"''", {""}},
        {"a '' \"\" b", {"a", "", "", "b"}},
        {R"("a \" b")", {R"(a " b)"}},
        {R"("a \\ b")", {R"(a \ b)"}},
        {R"("a \$ b")", {R"(a \$ b)"}},
        {R"("a \' b")", {R"(a \' b)"}},
        {R"('a \ b')", {R"(a \ b)"}},
        {R"(a\ b)", {"a b"}},
        {R"(\'a)", {"'a"}},
        {R"(\a\\)", {R"(a\)"}},
        {"a\\\nb", {"a\nb"}},
        {"a # b", {"a", "#", "b"}},
        {"a|b;c>d $x `y`", {"a|b;c>d", "$x", "`y`"}},
        {"--set='x y'\"z\"", {"--set=x yz"}},
        {"/usr/bin/x --type=time \"--target=2026-11-22 07:00:00+00\"",
         {"/usr/bin/x", "--type=time", "--target=2026-11-22 07:00:00+00"}},
        {"größe ü", {"größe", "ü"}},
    };
    for (const auto& [text, words] : table) {
        CAPTURE(text);
        const auto found = shell_words(text);
        REQUIRE(found.has_value());
        CHECK(*found == words);
    }
}

TEST_CASE("shell words with an open quote or a dangling backslash are none") {
    CHECK_FALSE(shell_words("a 'b").has_value());
    CHECK_FALSE(shell_words("a \"b").has_value());
    CHECK_FALSE(shell_words("a \"b\\\"").has_value());
    CHECK_FALSE(shell_words("a\\").has_value());
}

TEST_CASE("a number is the whole text") {
    CHECK(number("0") == 0U);
    CHECK(number("18446744073709551615") == 18446744073709551615U);
    CHECK(number("0000000A", 16) == 10U);
    CHECK(number("ff", 16) == 255U);
    for (const char* text : {"", " 1", "1 ", "-1", "+1", "1x", "0x10", "18446744073709551616"}) {
        CAPTURE(text);
        CHECK_FALSE(number(text).has_value());
    }
}

TEST_CASE("a word that was made for a shell is that word there") {
    for (const std::string word : {"/srv/ts 1", "it's", "100%", "$HOME", "a\nb", "", "--set=20261122-090000F"}) {
        CHECK(shell_words(shell_word(word)) == std::vector<std::string>{word});
    }
    CHECK(shell_word("/srv/ts1") == "/srv/ts1");
    CHECK(shell_word("100%") == "100%");
}

TEST_CASE("nearest finds slips of the fingers") {
    const Words options = {"stanza", "set", "type", "target", "target-timeline", "process-max"};
    CHECK(nearest("stnaza", options) == "stanza");
    CHECK(nearest("stanz", options) == "stanza");
    CHECK(nearest("tpye", options) == "type");
    CHECK(nearest("target_timeline", options) == "target-timeline");
    CHECK(nearest("proces-max", options) == "process-max");
    CHECK(nearest("set", options) == "set");
}

TEST_CASE("nearest finds nothing where too much differs") {
    CHECK_FALSE(nearest("repository", {"set", "type"}).has_value());
    CHECK_FALSE(nearest("abc", {"set", "type"}).has_value());
    CHECK_FALSE(nearest("", {"set"}).has_value());
    CHECK_FALSE(nearest("set", {}).has_value());
}

TEST_CASE("nearest takes the fewest edits, then the first") {
    CHECK(nearest("targets", {"tarxxts", "target"}) == "target");
    CHECK(nearest("aab", {"aaa", "aac"}) == "aaa");
}

TEST_CASE("of a file that a newer program wrote both numbers are said") {
    CHECK(newer_file("the journal /j", "version", 3, 1) ==
          "the journal /j has version 3, and this program reads version 1 and older");
}

TEST_CASE("what is not UTF-8 is replaced, and the rest stays") {
    CHECK(valid_utf8("caf\xC3\xA9 \"a\\b\"\n\x1b") == "caf\xC3\xA9 \"a\\b\"\n\x1b");
    CHECK(valid_utf8("caf\xE9") == "caf\xEF\xBF\xBD");
    CHECK(valid_utf8("").empty());
}

}  // namespace patroni_pgbackrest::system
