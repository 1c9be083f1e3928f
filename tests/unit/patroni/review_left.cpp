#include "patroni/review_left.hpp"

#include "support/catch.hpp"

using namespace patroni_pgbackrest;

namespace {

const patroni::HowToChange how{"patronictl remove demo", "patronictl edit-config demo --force"};

/// What differs, as the message has it; empty without a finding.
std::string differences(const std::string& own, const std::string& left) {
    const auto findings =
        patroni::review_left(*yaml::parse(own, "patroni.yml"), *yaml::parse(left, "the DCS"), "demo", how);
    if (findings.empty()) {
        return {};
    }
    const std::string before = "they differ in ";
    const auto& message = findings.front().problem.message;
    return message.substr(message.find(before) + before.size());
}

}  // namespace

TEST_CASE("what an earlier cluster left in the DCS is no finding while it says what bootstrap.dcs says") {
    CHECK(differences(
              "{ttl: 30, postgresql: {use_pg_rewind: yes, parameters: {archive_mode: on, a: 'on'}}}",
              R"({"ttl":30,"postgresql":{"use_pg_rewind":true,"parameters":{"archive_mode":true,"a":"on"}}})") == "");
    CHECK(differences("maximum_lag_on_failover: 1_048_576", R"({"maximum_lag_on_failover":1048576})") == "");
    CHECK(differences("postgresql:\npause:\n", "{}") == "");
    CHECK(differences("postgresql: {pg_hba: [a, b]}", R"({"postgresql":{"pg_hba":["a","b"]}})") == "");
}

TEST_CASE("and what differs is named without its value") {
    CHECK(differences("{ttl: 30}", R"({"ttl":20,"pause":true})") == "pause, ttl");
    CHECK(differences("{postgresql: {parameters: {max_connections: 100}}}",
                      R"({"postgresql":{"parameters":{"max_connections":10,"archive_mode":"off"}}})") ==
          "postgresql.parameters.archive_mode, postgresql.parameters.max_connections");
    CHECK(differences("{postgresql: {parameters: {archive_mode: 'on'}}}", R"({"ttl":30})") ==
          "postgresql.parameters.archive_mode, ttl");
    CHECK(differences("{a: 'on'}", R"({"a":true})") == "a");
    CHECK(differences("postgresql: {pg_hba: [a, b]}", R"({"postgresql":{"pg_hba":["a"]}})") == "postgresql.pg_hba");
    CHECK(differences("{}", R"({"ttl":20})") == "ttl");
    const auto findings = patroni::review_left({}, *yaml::parse(R"({"ttl":20})", "the DCS"), "demo", how);
    REQUIRE(findings.size() == 1);
    CHECK(findings.front().id == "dcs-left");
    CHECK(findings.front().problem.hint ==
          "if bootstrap.dcs is meant, run patronictl remove demo; else change what is wrong there with patronictl "
          "edit-config demo --force -s KEY=VALUE");
}
