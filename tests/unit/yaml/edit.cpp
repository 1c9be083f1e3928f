#include "yaml/edit.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace patroni_pgbackrest;
using yaml::NewNode;
using yaml::Path;

namespace {

std::string set(const std::string& text, const Path& path, const NewNode& wanted) {
    return yaml::set(yaml::read(text, "patroni.yml"), path, wanted).text;
}
std::string set(const std::string& text, const Path& path, const std::string& wanted) {
    return set(text, path, NewNode::of_text(wanted));
}
std::string remove(const std::string& text, const Path& path) {
    return yaml::remove(yaml::read(text, "patroni.yml"), path).text;
}
std::string prepend(const std::string& text, const Path& path, const std::string& item) {
    return yaml::prepend(yaml::read(text, "patroni.yml"), path, NewNode::of_text(item),
                         NewNode::of_list({NewNode::of_text(item), NewNode::of_text("z")}))
        .text;
}

const NewNode map_of_two =
    NewNode::of_map({{"b", NewNode::of_text("c")}, {"d", NewNode::of_list({NewNode::of_word("1")})}});

}  // namespace

TEST_CASE("a value is replaced where it stands, whatever its form") {
    CHECK(set("a: b # c\nd: e\n", {"a"}, "x") == "a: x # c\nd: e\n");
    CHECK(set("a: 'b # c'  # d", {"a"}, "x") == "a: x  # d");
    CHECK(set("a: \"b \\\" # c\"\n", {"a"}, "x: w") == "a: 'x: w'\n");
    CHECK(set("a: b\n  c\n\n  d\ne: f\n", {"a"}, "x") == "a: x\ne: f\n");
    CHECK(set("a: >-   # b\n  c\nd: e\n", {"a"}, "x") == "a: x   # b\nd: e\n");
    CHECK(set("a: |2-\n  b\n\n   c\n# d\ne: f\n", {"a"}, "x") == "a: x\n# d\ne: f\n");
    CHECK(set("a: >+\n  b\n\ne: f\n", {"a"}, "x") == "a: x\ne: f\n");
    CHECK(set("a:\n  !!str b\nc: d\n", {"a"}, "x") == "a:\n  x\nc: d\n");
    CHECK(set("a: &unused b\n", {"a"}, "x") == "a: x\n");
    CHECK(set("a: ~ # b\n", {"a"}, "x") == "a: x # b\n");
    CHECK(set("a#b: c\na:\n", {"a"}, "x") == "a#b: c\na: x\n");
    CHECK(set("a:    # b\n", {"a"}, "x") == "a: x    # b\n");
    CHECK(set("{a: , b: c}", {"a"}, "x, y") == "{a: 'x, y' , b: c}");
    CHECK(set("\xEF\xBB\xBF"
              "\xC3\xA9: \xC3\xA9\na: b\n",
              {"a"}, "x") == "\xEF\xBB\xBF"
                             "\xC3\xA9: \xC3\xA9\na: x\n");
}

TEST_CASE("what is said already is left alone, also in another form and through an alias") {
    for (const char* text : {"a: 'x'\n", "a: \"x\"\n", "b: &b x\na: *b\n", "b: &b {a: x}\n<<: *b\n"}) {
        CHECK(set(text, {"a"}, "x") == text);
    }
}

TEST_CASE("a new key goes behind the last one of its map, indented like it") {
    CHECK(set("a:\n    b: c\n# d\n", {"a", "x"}, "w") == "a:\n    b: c\n    x: w\n# d\n");
    CHECK(set("a:\n  b: c # d\n  # e\n\nf: g\n", {"a", "x"}, "w") == "a:\n  b: c # d\n  x: w\n  # e\n\nf: g\n");
    CHECK(set("a:\n  b:\n    c: d\n    # e\n  # f\n", {"a", "x"}, "w") ==
          "a:\n  b:\n    c: d\n    # e\n  x: w\n  # f\n");
    CHECK(set("a:\n  b: |\n    c\n\n    # d\n", {"a", "x"}, "w") == "a:\n  b: |\n    c\n\n    # d\n  x: w\n");
    CHECK(set("a:\n  b: |+\n    c\n\n", {"a", "x"}, "w") == "a:\n  b: |+\n    c\n\n  x: w\n");
    CHECK(set("a: b", {"x"}, "w") == "a: b\nx: w");
    CHECK(set("a: b\r\nc: d", {"x"}, "w") == "a: b\r\nc: d\r\nx: w");
    CHECK(set("---\na: b\n...\n", {"x"}, "w") == "---\na: b\nx: w\n...\n");
    CHECK(set("a:\n- b\n-\n", {"x"}, "w") == "a:\n- b\n-\nx: w\n");
}

TEST_CASE("a map or a list is written as its neighbours are") {
    CHECK(set("a:\n    b: c\nd:\n- e\n", {"x"}, map_of_two) ==
          "a:\n    b: c\nd:\n- e\nx:\n    b: c\n    d:\n    - 1\n");
    CHECK(set("a: b\n", {"x", "v"}, map_of_two) == "a: b\nx:\n  v:\n    b: c\n    d:\n      - 1\n");
    CHECK(set("a:   # b\nc: d\n", {"a"}, map_of_two) == "a:   # b\n  b: c\n  d:\n    - 1\nc: d\n");
    CHECK(set("a: null # b\n", {"a", "x"}, "w") == "a: # b\n  x: w\n");
    CHECK(set("a: {}\n", {"a", "x"}, map_of_two) == "a: {x: {b: c, d: [1]}}\n");
    CHECK(set("a: {b: c}\n", {"a", "x"}, "w") == "a: {b: c, x: w}\n");
    CHECK(set("a: {b: c ,}\n", {"a", "x"}, "w") == "a: {b: c , x: w}\n");
    CHECK(set("a: {b:}\n", {"a", "b", "x"}, "w") == "a: {b: {x: w}}\n");
    CHECK(set("a: {\n  b: c # d\n  }\n", {"a", "x"}, "w") == "a: {\n  b: c, # d\n  x: w\n  }\n");
    CHECK(set("{\"a\": \"b\"}", {"x"}, map_of_two) == "{\"a\": \"b\", \"x\": {\"b\": \"c\", \"d\": [1]}}");
}

TEST_CASE("an item is put before the others") {
    CHECK(prepend("a:\n# b\n- c\n", {"a"}, "x") == "a:\n# b\n- x\n- c\n");
    CHECK(prepend("a: &unused\r\n    - c\r\n", {"a"}, "x") == "a: &unused\r\n    - x\r\n    - c\r\n");
    CHECK(prepend("a: [c]", {"a"}, "x") == "a: [x, c]");
    CHECK(prepend("a: []", {"a"}, "x") == "a: [x, z]");
    CHECK(prepend("a: [\n  c\n]", {"a"}, "x") == "a: [x,\n  c\n]");
    CHECK(prepend("a: [c, x]", {"a"}, "x") == "a: [c, x]");
    CHECK(prepend("a:\nb: c\n", {"a"}, "x") == "a:\n  - x\n  - z\nb: c\n");
    CHECK(problems_of([] { prepend("a: b\n", {"a"}, "x"); }) == Strings{"patroni.yml:1: a is no list"});
    CHECK(problems_of([] { prepend("a: &a [b]\nc: *a\n", {"a"}, "x"); }) ==
          Strings{"patroni.yml:1: an alias in patroni.yml:2 uses the anchor here, and would change with a"});
}

TEST_CASE("a key goes with all its lines, and with its double") {
    CHECK(remove("a: b\nc:\n  d: e\n\n  f:\n  - g\n# h\ni: j", {"c"}) == "a: b\n# h\ni: j");
    CHECK(remove("a: b\r\nc: 'd\r\n  e' # f\r\n", {"c"}) == "a: b\r\n");
    CHECK(remove("a: b\nc: |\n  d\n\n\ne: f\n", {"c"}) == "a: b\n\n\ne: f\n");
    CHECK(remove("a: b\nc: d\na: e\n", {"a"}) == "c: d\n");
    CHECK(remove("a:\n  b: c\nd: e\n", {"a", "b"}) == "a:\nd: e\n");
    CHECK(remove("a: b\n", {"c", "d"}) == "a: b\n");
    CHECK(remove("a:\nb: c\n", {"a"}) == "b: c\n");
}

TEST_CASE("in braces a key goes with its comma") {
    CHECK(remove("{a: b, c: d, e: f}", {"a"}) == "{c: d, e: f}");
    CHECK(remove("{a: b, c: d, e: f}", {"c"}) == "{a: b, e: f}");
    CHECK(remove("{a: b, c: d, e: f}", {"e"}) == "{a: b, c: d}");
    CHECK(remove("x: {a: b}", {"x", "a"}) == "x: {}");
    CHECK(remove("{\n  a: b,\n  # c\n  d: e,  # f\n  g: h\n}\n", {"d"}) == "{\n  a: b,\n  # c\n  g: h\n}\n");
    CHECK(remove("{\n  a: b,\n  # c\n  d: e  # f\n}\n", {"d"}) == "{\n  a: b\n  # c\n}\n");
}

TEST_CASE("what cannot be changed without changing something else is refused") {
    const auto refusal = [](const std::string& text, const Path& path) {
        return problems_of([&] { set(text, path, "x"); });
    };
    CHECK(refusal("a: &a {b: c}\nd: *a\n", {"a", "b"}) ==
          Strings{"patroni.yml:1: a has an anchor, and an alias in patroni.yml:2 would change with it"});
    CHECK(refusal("a: &a b\nd: *a\n", {"a"}) ==
          Strings{"patroni.yml:1: an alias in patroni.yml:2 uses the anchor here, and would change with a"});
    CHECK(refusal("a: &a b\nd: *a\n", {"d"}) ==
          Strings{"patroni.yml:2: d is an alias, and its value is used elsewhere too"});
    CHECK(refusal("a: b\n", {"a", "c"}) == Strings{"patroni.yml:1: a is not a map"});
    CHECK(refusal("a: [b]\n", {"a"}) == Strings{"patroni.yml:1: a is not a single value"});
    CHECK(refusal("? a\n: b\n", {"a"}) == Strings{"patroni.yml:1: a is written with ? and :"});
    CHECK(refusal("- a\n", {"a"}) == Strings{"patroni.yml:1: the top level is not a map"});
    CHECK(refusal("{a: {b: c}, d: !}", {"e", "f"}) ==
          Strings{"patroni.yml:1: there is only an anchor or a tag where the value should be"});
    CHECK(problems_of([] { remove("a: &a b\nd: *a\n", {"a"}); }) ==
          Strings{"patroni.yml:1: an alias in patroni.yml:2 uses the anchor here, and would change with a"});
    CHECK(
        problems_of([] {
            remove("a: &a {b: c}\nd:\n  <<: *a\n", {"d", "b"});
        }) ==
        Strings{"patroni.yml:3: d.b comes from a merge key (<<), so that a change of it would change other maps too"});
}
