#include "system/line_diff.hpp"

#include "support/catch.hpp"

using namespace patroni_pgbackrest::system;

namespace {

DiffSide side(const std::string& label, const std::string& text) {
    DiffSide result{label, lines_with_ends(text), {}};
    for (const auto& line : result.lines) {
        result.shown.push_back(line.ends_with('\n') ? line.substr(0, line.size() - 1) : line);
    }
    return result;
}

std::string diff(const std::string& before, const std::string& after) {
    return unified_diff(side("a", before), side("b", after));
}

}  // namespace

TEST_CASE("texts that are the same have no difference") {
    CHECK(diff("", "").empty());
    CHECK(diff("a\nb", "a\nb").empty());
}

TEST_CASE("a change has three lines of context on either side") {
    CHECK(diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n") ==
          "--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST_CASE("changes far from each other have a hunk each, near ones share it") {
    CHECK(diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n") ==
          "--- a\n+++ b\n@@ -1,3 +1,4 @@\n+0\n 1\n 2\n 3\n@@ -8,3 +9,4 @@\n 8\n 9\n 10\n+11\n");
    CHECK(diff("1\n2\n3\n4\n5\n6\n", "0\n1\n2\n3\n4\n5\n6\n7\n") ==
          "--- a\n+++ b\n@@ -1,6 +1,8 @@\n+0\n 1\n 2\n 3\n 4\n 5\n 6\n+7\n");
}

TEST_CASE("a last line without a line feed is told") {
    CHECK(diff("a", "a\n") == "--- a\n+++ b\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n");
    CHECK(diff("a", "b\na") == "--- a\n+++ b\n@@ -1,1 +1,2 @@\n+b\n a\n\\ No newline at end of file\n");
}

TEST_CASE("an empty text has line number 0") {
    CHECK(diff("", "a\n") == "--- a\n+++ b\n@@ -0,0 +1,1 @@\n+a\n");
    CHECK(diff("a\n", "") == "--- a\n+++ b\n@@ -1,1 +0,0 @@\n-a\n");
}

TEST_CASE("what is shown stands for what is compared") {
    CHECK(unified_diff({"a", {"x: 1\n", "password: mellon\n"}, {"x: 1", "password: ****"}},
                       {"b", {"x: 2\n", "password: mellon\n"}, {"x: 2", "password: ****"}}) ==
          "--- a\n+++ b\n@@ -1,2 +1,2 @@\n-x: 1\n+x: 2\n password: ****\n");
}
