#include "checks/checks.hpp"

#include "support/catch.hpp"
#include "support/requests.hpp"

#include <nlohmann/json.hpp>
#include <set>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest;

namespace {

const Finding an_error{"target", {"no backup set ends before it", "the nearest point is 1", ""}};
const Finding a_warning{"key-twice", {"scope stands twice", "take one out", "patroni.yml:7"}};

}  // namespace

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
