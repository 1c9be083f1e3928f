#include "show/report.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest;
using nlohmann::json;

namespace {

json read(const Report& report, const std::optional<Failure>& failure = std::nullopt) {
    const auto text = report.text(failure);
    CHECK(text.back() == '\n');
    return json::parse(text);
}

}  // namespace

TEST_CASE("the report of a restore that is done tells all that was decided and reached") {
    const auto request = request_for({{"scope", "prod"},
                                      {"type", "xid"},
                                      {"target", "748"},
                                      {"target-exclusive", "y"},
                                      {"set", "20261122-090000F"}});
    const auto plan = make_plan(request, two_timelines());
    Report report("bootstrap");
    report.phase("request");
    report.about(request);
    report.phase("copy");
    report.about(plan, {"/data", "/data.restoring", "/data.restoring.d", false});
    report.version("pgbackrest", "2.45");
    report.version("postgresql", "15");
    report.about(Reached{postgres::Timeline{3}, postgres::Lsn{0x7000158}, "before transaction 748", std::nullopt});
    report.kept("/data.restoring.d/patroni.dynamic.json");
    const auto content = read(report);

    CHECK(content.at("schema") == 1);
    CHECK(content.at("command") == "bootstrap");
    CHECK(content.at("version") == PATRONI_PGBACKREST_VERSION);
    CHECK(Time::parse(content.at("started").get<std::string>()));
    CHECK(content.at("phase") == "done");
    CHECK(content.at("durations").size() == 2);
    CHECK(content.at("durations").at("copy").get<double>() >= 0);
    CHECK(content.at("versions") == json({{"pgbackrest", "2.45"}, {"postgresql", "15"}}));
    CHECK(content.at("outcome") ==
          json({{"exit_code", 0}, {"meaning", "done"}, {"retryable", false}, {"problems", json::array()}}));
    CHECK(content.at("scope") == "prod");
    CHECK(content.at("stanza") == "demo");
    CHECK(content.at("data_directory") == "/data");
    CHECK(content.at("plan") == json({{"backup_set", "20261122-090000F"},
                                      {"repository", 1},
                                      {"timeline", 2},
                                      {"timeline_reason", "the newest that descends from backup set 20261122-090000F"},
                                      {"recovery", "standalone"},
                                      {"target", {{"type", "xid"}, {"value", "748"}, {"exclusive", true}}},
                                      {"nearest", nullptr},
                                      {"wal_segments", 6},
                                      {"first_segment", segment(1, 5)},
                                      {"last_segment", segment(2, 10)},
                                      {"system_identifier", "7710953412442782829"},
                                      {"staging", "/data.restoring"}}));
    CHECK(content.at("reached") ==
          json({{"lsn", "0/7000158"}, {"time", json()}, {"timeline", 3}, {"reason", "before transaction 748"}}));
    CHECK(content.at("patroni_dynamic_configuration") == "/data.restoring.d/patroni.dynamic.json");
}

TEST_CASE("the report of a failure names the phase, every problem, and whether another try is worth it") {
    Report report("bootstrap");
    report.phase("request");
    const auto refused = read(report, Failure(ExitCode::usage, {{"one", "do this", "--target"}, {"two", "do that"}}));
    CHECK(refused.at("phase") == "request");
    CHECK(refused.at("outcome").at("exit_code") == 2);
    CHECK(refused.at("outcome").at("meaning") == "usage or configuration error");
    CHECK(refused.at("outcome").at("retryable") == false);
    CHECK(refused.at("outcome").at("problems") ==
          json::array({{{"place", "--target"}, {"message", "one"}, {"hint", "do this"}},
                       {{"place", ""}, {"message", "two"}, {"hint", "do that"}}}));
    for (const char* absent : {"scope", "plan", "reached", "patroni_dynamic_configuration"}) {
        CHECK_FALSE(refused.contains(absent));
    }
    report.phase("copy");
    const auto away = read(report, Failure(ExitCode::repository_unreachable, "gone", "bring it back"));
    CHECK(away.at("phase") == "copy");
    CHECK(away.at("outcome").at("retryable") == true);
}

TEST_CASE("a report stays JSON whatever bytes a message holds") {
    Report report("bootstrap");
    const auto content = read(report, Failure(ExitCode::usage, std::string("caf\xE9 \"quoted\"\n"), "x"));
    CHECK(content.at("phase") == "request");
    CHECK(content.at("outcome").at("problems").size() == 1);
}
