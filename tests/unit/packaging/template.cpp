#include "packaging/template.hpp"

#include "support/catch.hpp"

#include <stdexcept>

using patroni_pgbackrest::packaging::fill;

namespace {

std::string refusal(std::string_view text, const std::map<std::string, std::string>& values) {
    try {
        return "filled: " + fill(text, values);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("each placeholder becomes its value, wherever and however often it stands") {
    CHECK(fill("{{a}} and {{b}}, {{a}}", {{"a", "one"}, {"b", "two"}}) == "one and two, one");
    CHECK(fill("nothing to fill }} in \"${words[@]}\"\n", {}) == "nothing to fill }} in \"${words[@]}\"\n");
    CHECK(fill("", {}).empty());
}

TEST_CASE("what a value holds is not taken for a placeholder") {
    CHECK(fill("{{a}}", {{"a", "{{b}}"}}) == "{{b}}");
}

TEST_CASE("a template and its values that do not fit are refused") {
    CHECK(refusal("{{a}} {{b}}", {{"a", ""}}) == "unknown placeholder {{b}}");
    CHECK(refusal("{{ a }}", {{"a", ""}}) == "unknown placeholder {{ a }}");
    CHECK(refusal("{{a}}", {{"a", ""}, {"b", ""}}) == "no placeholder {{b}}");
    CHECK(refusal("begins {{a\nhere", {{"a", ""}}) == "a placeholder has no end: {{a");
}
