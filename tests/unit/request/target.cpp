#include "request/target.hpp"

#include "support/catch.hpp"

#include <utility>
#include <vector>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest;

namespace {

/// In UTC; `refused` when it is no time.
std::string in_utc(const std::string& text) {
    const auto time = Time::parse(text);
    return time ? time->text() : "refused";
}

}  // namespace

TEST_CASE("a time with an offset is read in every form that people write, and told in UTC") {
    const std::vector<std::pair<std::string, std::string>> forms = {
        {"2026-11-22 10:00:00+00", "2026-11-22 10:00:00+00"},
        {"2026-11-22 10:00:00+01", "2026-11-22 09:00:00+00"},
        {"2026-11-22 10:00:00 +0130", "2026-11-22 08:30:00+00"},
        {"2026-11-22 10:00:00.5+01:30", "2026-11-22 08:30:00.500000+00"},
        {"2026-11-22 10:00:00-08", "2026-11-22 18:00:00+00"},
        {"2026-11-22 10:00:00-03:30", "2026-11-22 13:30:00+00"},
        {"2026-11-22T10:00:00Z", "2026-11-22 10:00:00+00"},
        {"2026-11-22T10:00:00z", "2026-11-22 10:00:00+00"},
        {"2026-11-22 10:00:00 UTC", "2026-11-22 10:00:00+00"},
        {"2026-11-22 10:00:00 GMT", "2026-11-22 10:00:00+00"},
        {"2026-11-22 10:00Z", "2026-11-22 10:00:00+00"},
        {"  2026-11-22 10:00:00+00  ", "2026-11-22 10:00:00+00"},
        {"2026-11-22 10:00:00.000001+00", "2026-11-22 10:00:00.000001+00"},
        {"2026-11-22 10:00:00.123456+00", "2026-11-22 10:00:00.123456+00"},
        {"2026-11-22 10:00:00.000000+00", "2026-11-22 10:00:00+00"},
        {"2027-01-01 00:30:00+01", "2026-12-31 23:30:00+00"},
        {"2026-12-31 23:30:00-01", "2027-01-01 00:30:00+00"},
        {"2028-02-29 12:00:00+00", "2028-02-29 12:00:00+00"},
        {"2026-11-22 10:00:00+14", "2026-11-21 20:00:00+00"},
        {"1969-12-31 23:59:59.9+00", "1969-12-31 23:59:59.900000+00"},
    };
    for (const auto& [text, utc] : forms) {
        CAPTURE(text);
        CHECK(in_utc(text) == utc);
    }
}

TEST_CASE("a time without an offset, or that is none, is refused") {
    const std::vector<std::string> texts = {
        "",
        "yesterday",
        "2026-11-22",
        "2026-11-22 10:00:00",
        "2026-11-22T10:00:00",
        "2026-11-22 10:00:00 CET",
        "2026-11-22 10:00:00 Europe/Berlin",
        "2026-11-22 10:00:00+",
        "2026-11-22 10:00:00+1",
        "2026-11-22 10:00:00+16",
        "2026-11-22 10:00:00+01:60",
        "2026-11-31 10:00:00+00",
        "2026-02-29 10:00:00+00",
        "2026-13-01 10:00:00+00",
        "2026-00-01 10:00:00+00",
        "2026-11-22 24:00:00+00",
        "2026-11-22 10:60:00+00",
        "2026-11-22 10:00:60+00",
        "2026-11-22 10:00:00.1234567+00",
        "2026-11-22 10:00:00,5+00",
        "22.11.2026 10:00:00+00",
        "2026-11-22 10:00:00+00 or so",
    };
    for (const auto& text : texts) {
        CAPTURE(text);
        CHECK(in_utc(text) == "refused");
    }
}

TEST_CASE("the text of a time is read as the same moment again") {
    for (const std::string text : {"2026-11-22 10:00:00+02", "2026-11-22 10:00:00.000001-09:30", "2028-02-29 23:59:59Z",
                                   "1999-12-31 23:59:59.999999+14"}) {
        CAPTURE(text);
        const auto time = Time::parse(text);
        REQUIRE(time);
        const auto again = Time::parse(time->text());
        REQUIRE(again);
        CHECK(again->at == time->at);
    }
}

TEST_CASE("a target knows pgBackRest's type, PostgreSQL's parameter, and its words") {
    const auto at = *Time::parse("2026-11-22 10:00:00+01");
    struct Form {
        RecoveryTarget target;
        std::string type, value, parameter, text;
    };
    const std::vector<Form> forms = {
        {{Latest{}}, "default", "", "", "latest"},
        {{Immediate{}}, "immediate", "", "recovery_target", "immediate"},
        {{at}, "time", "2026-11-22 09:00:00+00", "recovery_target_time", "time 2026-11-22 09:00:00+00"},
        {{at, true},
         "time",
         "2026-11-22 09:00:00+00",
         "recovery_target_time",
         "time 2026-11-22 09:00:00+00, exclusive"},
        {{Xid{748}}, "xid", "748", "recovery_target_xid", "xid 748"},
        {{Xid{4294967296 + 748}}, "xid", "4294968044", "recovery_target_xid", "xid 4294968044"},
        {{LsnTarget{postgres::Lsn{0x16B374D848}}}, "lsn", "16/B374D848", "recovery_target_lsn", "lsn 16/B374D848"},
        {{Name{"before the upgrade"}}, "name", "before the upgrade", "recovery_target_name", "name before the upgrade"},
    };
    for (const auto& form : forms) {
        CAPTURE(form.text);
        CHECK(form.target.type() == form.type);
        CHECK(form.target.value() == form.value);
        CHECK(form.target.parameter() == form.parameter);
        CHECK(form.target.text() == form.text);
        CHECK(form.target.is_latest() == (form.type == "default"));
        CHECK(form.target.is_immediate() == (form.type == "immediate"));
    }
}

TEST_CASE("a timeline is wished for by number in PostgreSQL's ways, as latest or as current") {
    const auto number = [](const std::string& text) -> std::uint32_t {
        const auto wish = TimelineWish::parse(text);
        const auto* timeline = wish ? std::get_if<postgres::Timeline>(&wish->choice) : nullptr;
        return timeline == nullptr ? 0 : timeline->number;
    };
    CHECK(number("1") == 1);
    CHECK(number("17") == 17);
    CHECK(number("0x11") == 17);
    CHECK(number("0XfF") == 255);
    CHECK(number("4294967295") == 4294967295);
    REQUIRE(TimelineWish::parse("latest"));
    CHECK(std::holds_alternative<Latest>(TimelineWish::parse("latest")->choice));
    REQUIRE(TimelineWish::parse("current"));
    CHECK(std::holds_alternative<Immediate>(TimelineWish::parse("current")->choice));
    for (const std::string text : {"", "0", "0x", "0x0", "-1", "2a", "4294967296", "newest", "00000002.history"}) {
        CAPTURE(text);
        CHECK_FALSE(TimelineWish::parse(text));
    }
}
