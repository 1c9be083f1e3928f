#include "checks/checks.hpp"

#include "support/catch.hpp"
#include "support/requests.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

using namespace patroni_pgbackrest;

namespace {

const Finding an_error{"target", {"no backup set ends before it", "the nearest point is 1", ""}};
const Finding a_warning{"key-twice", {"scope stands twice", "take one out", "patroni.yml:7"}};

/// All tests but this one, as one text.
std::string all_tests() {
    const std::filesystem::path here = __FILE__;
    std::string texts;
    for (const auto& file :
         std::filesystem::recursive_directory_iterator(here.parent_path().parent_path().parent_path())) {
        const auto suffix = file.path().extension();
        if ((suffix == ".cpp" || suffix == ".py") && file.path() != here) {
            texts += system::read_file(file.path());
        }
    }
    return texts;
}

/// Tests name what was found at the beginning of a text, or as check prints it. A plain word has other meanings, too.
bool is_expected(const std::string& id, const std::string& tests) {
    const auto is_there = [&](const std::string& words) { return tests.find(words) != std::string::npos; };
    if (id.find('-') == std::string::npos) {
        return is_there("['" + id + "'") || is_there(", '" + id + "'");
    }
    for (const std::string before : {"\"", "'", "ERROR   ", "WARNING ", "ERROR +", "WARNING +"}) {
        for (const std::string behind : {"\"", "'", ":", " "}) {
            if (is_there(before + id + behind)) {
                return true;
            }
        }
    }
    return false;
}

}  // namespace

TEST_CASE("every check is found by some test") {
    const auto tests = all_tests();
    for (const auto& definition : check_table()) {
        INFO(definition.id);
        CHECK(is_expected(std::string(definition.id), tests));
    }
    CHECK_FALSE(is_expected("no-such-check-anywhere", tests));
}

TEST_CASE("every check has an id of its own and says why and what to do") {
    std::set<std::string_view> ids;
    for (const auto& definition : check_table()) {
        INFO(definition.id);
        CHECK(ids.insert(definition.id).second);
        CHECK(definition.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos);
        CHECK_FALSE(definition.title.empty());
        CHECK(definition.why.ends_with("."));
        CHECK_FALSE(definition.remedy.empty());
        CHECK_FALSE(definition.remedy.ends_with("."));
        CHECK(find_check(definition.id) == &definition);
    }
    CHECK(find_check("no-such-check") == nullptr);
}

TEST_CASE("errors come first, each with its place and its hint, and a count ends the text") {
    CHECK(findings_text({a_warning, an_error}) == "ERROR   target: no backup set ends before it\n"
                                                  "        HINT: the nearest point is 1\n"
                                                  "WARNING key-twice: patroni.yml:7: scope stands twice\n"
                                                  "        HINT: take one out\n"
                                                  "1 errors, 1 warnings\n");
    CHECK(findings_text({}) == "0 errors, 0 warnings\n");
}

TEST_CASE("a program gets the same as JSON") {
    const auto json = nlohmann::json::parse(findings_json({a_warning, an_error}));
    REQUIRE(json.size() == 2);
    CHECK(json[0]["id"] == "key-twice");
    CHECK(json[0]["severity"] == "warning");
    CHECK(json[0]["place"] == "patroni.yml:7");
    CHECK(json[1]["severity"] == "error");
    CHECK(json[1]["hint"] == "the nearest point is 1");
    CHECK(nlohmann::json::accept(findings_json({{"target", {"bytes that are no UTF-8: \xff", "", ""}}})));
}

TEST_CASE("only errors refuse") {
    CHECK(has_error({a_warning, an_error}));
    CHECK_FALSE(has_error({a_warning}));
    CHECK(errors_in({a_warning, an_error}) == Problems{an_error.problem});
}
