#include "system/whole_number.hpp"

#include "support/catch.hpp"

#include <cstdint>
#include <limits>
#include <string>

using nlohmann::json;
using patroni_pgbackrest::system::whole_number;

namespace {

template <typename Number>
Number parsed(const std::string& text) {
    return whole_number<Number>(json::parse(text));
}

}  // namespace

TEST_CASE("whole numbers are read to the ends of their range") {
    CHECK(parsed<unsigned>("0") == 0);
    CHECK(parsed<int>("-7") == -7);
    CHECK(parsed<std::uint32_t>("4294967295") == 4294967295);
    CHECK(parsed<std::uint64_t>("18446744073709551615") == std::numeric_limits<std::uint64_t>::max());
    CHECK(parsed<std::int64_t>("-9223372036854775808") == std::numeric_limits<std::int64_t>::min());
    CHECK(whole_number<unsigned>(json(7)) == 7);
}

TEST_CASE("what is no whole number, or does not fit, is refused as what is no number") {
    for (const std::string text : {"1.76e58", "-1e300", "0.5", "3.0", "true", "null", "\"3\"", "[3]", "{}"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parsed<int>(text), json::exception);
        CHECK_THROWS_AS(parsed<std::uint64_t>(text), json::exception);
    }
    CHECK_THROWS_AS(parsed<unsigned>("-1"), json::exception);
    CHECK_THROWS_AS(parsed<std::uint64_t>("-1"), json::exception);
    CHECK_THROWS_AS(parsed<std::uint32_t>("4294967296"), json::exception);
    CHECK_THROWS_AS(parsed<int>("2147483648"), json::exception);
    CHECK_THROWS_AS(parsed<std::int64_t>("9223372036854775808"), json::exception);
    CHECK_THROWS_AS(parsed<std::uint64_t>("18446744073709551616"), json::exception);  // a float to the parser
}

TEST_CASE("an object need not have a number, but what it has is one") {
    const auto object = json::parse(R"({"have": 3, "half": 0.5})");
    CHECK(whole_number(object, "have", 7U) == 3);
    CHECK(whole_number(object, "none", 7U) == 7);
    CHECK_THROWS_AS(whole_number(object, "half", 7U), json::exception);
    CHECK(whole_number(json::array(), "none", 7U) == 7);
}
