#include "yaml/tree.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace patroni_pgbackrest;
using yaml::NodePtr;

namespace {

NodePtr read(const std::string& text) {
    return yaml::parse(text, "p.yml");
}
NodePtr value_of(const std::string& scalar) {
    return read("k: " + scalar)->find("k")->value;
}
std::string text_at(const NodePtr& tree, const std::string& key) {
    return tree->find(key)->value->text;
}
Strings problems(const std::string& text) {
    return problems_of([&] { read(text); });
}

}  // namespace

TEST_CASE("every key knows its line") {
    const NodePtr tree = read("# comment\na: 1\n\nb:\n  c: |\n    two\n    lines\n  d:\n   e\nf:\n- g\n\n- h\n");
    CHECK(tree->find("a")->place == "p.yml:2");
    CHECK(tree->find("b")->place == "p.yml:4");
    CHECK(tree->map_at("b").find("c")->place == "p.yml:5");
    CHECK(tree->map_at("b").find("d")->place == "p.yml:8");
    CHECK(tree->find("f")->place == "p.yml:10");
    CHECK(tree->find("f")->value->items.at(0)->place == "p.yml:11");
    CHECK(tree->find("f")->value->items.at(1)->place == "p.yml:13");
}

TEST_CASE("of a key that stands twice the last one counts") {
    const NodePtr tree = read("a: 1\nb: 2\na: 3\n");
    REQUIRE(tree->entries.size() == 2);
    CHECK(text_at(tree, "a") == "3");
    CHECK(tree->find("a")->place == "p.yml:3");
}

TEST_CASE("a merge key brings in what the map does not say itself") {
    const NodePtr tree = read("base: &base\n  a: 1\n  b: 2\nuser:\n  b: own\n  <<: *base\n");
    const yaml::Node& user = tree->map_at("user");
    CHECK(user.find("a")->value->text == "1");
    CHECK(user.find("a")->place == "p.yml:2");
    CHECK(user.find("b")->value->text == "own");
    CHECK(user.find("b")->place == "p.yml:5");
    CHECK(user.find("<<") == nullptr);
}

TEST_CASE("of a list of merged maps the first one that has a key wins") {
    const NodePtr tree = read("x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y]}\n");
    CHECK(tree->map_at("z").find("a")->value->text == "1");
    CHECK(tree->map_at("z").find("b")->value->text == "1");
    CHECK(tree->map_at("z").find("c")->value->text == "2");
}

TEST_CASE("a merge key in quotes is an ordinary key") {
    CHECK(text_at(read("'<<': text\n"), "<<") == "text");
}

TEST_CASE("a merge key that names no map is refused") {
    CHECK(problems("a: &a text\nb:\n  <<: *a\n") ==
          Strings{"p.yml:3: the merge key << names something that is not a map"});
    CHECK(problems("a: &a text\nb:\n  <<: [*a]\n") ==
          Strings{"p.yml:3: the merge key << names something that is not a map"});
}

TEST_CASE("an alias stands for its anchor, with the place of the key that uses it") {
    const NodePtr tree = read("a: &a hello\nb: *a\n");
    CHECK(text_at(tree, "b") == "hello");
    CHECK(tree->find("b")->place == "p.yml:2");
}

TEST_CASE("an alias inside of its own anchor does no harm") {
    CHECK(read("a: &a\n  b: *a\nc: 1\n")->find("c")->place == "p.yml:3");
}

TEST_CASE("keys that are no scalars are left out") {
    const NodePtr tree = read("? [a, b]\n: 1\n~: 2\nc: 3\n");
    REQUIRE(tree->entries.size() == 1);
    CHECK(tree->entries.front().key == "c");
}

TEST_CASE("no text at all is null") {
    CHECK(read("")->is_null());
    CHECK(read("# only a comment\n")->is_null());
    CHECK(read("---\n")->is_null());
}

TEST_CASE("broken YAML is refused with its line, and without the line's text") {
    CHECK(problems("a: 1\nb: *Secret\n") == Strings{"p.yml:2: broken YAML: the referenced anchor is not defined"});
    CHECK(problems("a: 1\nb: secret: more\n") == Strings{"p.yml:2: broken YAML: illegal map value"});
    CHECK(problems("a: 1\nb: [secret\n") == Strings{"p.yml:2: broken YAML: end of sequence flow not found"});
    CHECK(problems("a: 1\n\nb: \"sec\\qret\"\n") == Strings{"p.yml:3: broken YAML: unknown escape character"});
}

TEST_CASE("a quote that is not closed is refused, wherever the text ends") {
    for (const char* text : {"a: 'secret", "a: 'secret\n", "a: \"secret\nb: 2\n", "a: 'secret\r\nb: 2\r\n\r\n"}) {
        INFO(text);
        const Strings found = problems(text);
        REQUIRE(found.size() == 1);
        CHECK(found.front().find(": broken YAML: illegal EOF in scalar") != std::string::npos);
        CHECK(found.front().find("secret") == std::string::npos);
    }
}

TEST_CASE("a second document is refused, as Patroni does") {
    CHECK(problems("a: 1\n---\nb: 2\n") == Strings{"p.yml:2: more than one YAML document"});
    CHECK(problems("---\na: 1\n...\n").empty());
}

TEST_CASE("a patch merges maps, takes nulls away and replaces the rest") {
    const NodePtr base = read("a: {b: 1, c: 2}\nl: [1, 2]\ns: {t: 1}\ngone: 1\n");
    const NodePtr result =
        yaml::patch(base, yaml::parse("a: {c: 3, d: 4, b: }\nl: [3]\ns: text\ngone:\nnew: {n: }\n", "q.yml"));
    CHECK(result->map_at("a").find("b") == nullptr);
    CHECK(result->map_at("a").find("c")->value->text == "3");
    CHECK(result->map_at("a").find("c")->place == "q.yml:1");
    CHECK(result->map_at("a").find("d")->value->text == "4");
    CHECK(result->find("l")->value->items.size() == 1);
    CHECK(result->find("s")->value->text == "text");
    CHECK(result->find("gone") == nullptr);
    CHECK(result->map_at("new").find("n")->value->is_null());
    CHECK(base->map_at("a").find("b")->value->text == "1");
}

TEST_CASE("a fingerprint is that of the content, but for the texts of one key") {
    const auto of = [](const std::string& text) { return yaml::fingerprint(*read(text), "password"); };
    const auto plain = of("a: {password: one, b: [c, {password: two}]}\n");
    CHECK(of("# the same\na:\n  password: 'three'\n  b:\n  - c\n  - password:  four\n") == plain);
    for (const char* other :
         {"a: {password: one, b: [c, {password: }]}\n", "a: {password: one, b: [c, {passwords: two}]}\n",
          "a: {b: [c, {password: two}]}\n", "a: {password: one, b: [d, {password: two}]}\n",
          "a: {password: {one: 1}, b: [c, {password: two}]}\n"}) {
        INFO(other);
        CHECK(of(other) != plain);
    }
    CHECK(of("password: {user: one}\n") != of("password: {user: two}\n"));
}

TEST_CASE("true and false are what Python makes of the value") {
    for (const char* text : {"yes", "on", "True", "TRUE", "1", "text", "'false'", "'no'", "\"0\"", "y", "n", "fAlSe",
                             "0.1", "[a]", "{a: b}"}) {
        INFO(text);
        CHECK(yaml::truthy(*value_of(text)));
    }
    for (const char* text :
         {"no", "off", "False", "NO", "0", "-0", "0x0", "0b0", "00", "0.0", ".0", "''", "~", "null", "", "[]", "{}"}) {
        INFO(text);
        CHECK_FALSE(yaml::truthy(*value_of(text)));
    }
}

TEST_CASE("a text is what Python takes for no number, truth value or date") {
    for (const char* text : {"app", "'0'", "\"yes\"", "''", "1st", "1.2.3", "2026-11-28-app", "y", "08"}) {
        CAPTURE(text);
        CHECK(yaml::is_text(*value_of(text)));
    }
    for (const char* text : {"0", "-12", "1.5", "1_000", "0x1f", "12:30", ".inf", "yes", "Off", "TRUE", "2026-11-28",
                             "2026-11-28 10:00:00", "~", "", "[a]"}) {
        CAPTURE(text);
        CHECK_FALSE(yaml::is_text(*value_of(text)));
    }
}

TEST_CASE("blank is null, empty and white space") {
    for (const char* text : {"", "~", "null", "''", "\"  \""}) {
        INFO(text);
        CHECK(yaml::blank(*value_of(text)));
    }
    for (const char* text : {"a", "'null'", "0", "[]", "{}"}) {
        INFO(text);
        CHECK_FALSE(yaml::blank(*value_of(text)));
    }
}

TEST_CASE("numbers that YAML writes in another form are known") {
    CHECK(yaml::rewritten_number(*value_of("0755")) == "an octal number");
    CHECK(yaml::rewritten_number(*value_of("0x1F")) == "a hexadecimal number");
    CHECK(yaml::rewritten_number(*value_of("0b11")) == "a binary number");
    CHECK(yaml::rewritten_number(*value_of("12:30")) == "a number in base 60");
    for (const char* text : {"1_000", "+5", "1.10", "1.", ".5", "1e5", "1.5e+3", "-.inf", ".nan"}) {
        INFO(text);
        CHECK(yaml::rewritten_number(*value_of(text)) == (std::string(text) == "1e5" ? "" : "a number"));
    }
    for (const char* text : {"0", "-1", "755", "1.5", "1.0", "'0755'", "16MB", "0/17D2E30", "20261122-090000F", "08",
                             "009a", "2026-11-22 10:00:00+00", "12:99", "1.2.3", "latest", "a:1"}) {
        INFO(text);
        CHECK(yaml::rewritten_number(*value_of(text)).empty());
    }
}

TEST_CASE("a time with an offset is only a time where it is not in quotes") {
    for (const char* text : {"2026-11-22 10:00:00+00", "2026-11-22 10:00:00.123456-05:30", "2026-11-22T10:00:00Z"}) {
        INFO(text);
        CHECK(yaml::is_plain_time_with_offset(*value_of(text)));
        CHECK_FALSE(yaml::is_plain_time_with_offset(*value_of("'" + std::string(text) + "'")));
    }
    for (const char* text : {"2026-11-22", "2026-11-22 10:00:00", "2026-11-22 10:00:00+0000", "tomorrow"}) {
        INFO(text);
        CHECK_FALSE(yaml::is_plain_time_with_offset(*value_of(text)));
    }
}
