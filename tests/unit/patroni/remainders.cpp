#include "patroni/remainders.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace patroni_pgbackrest::patroni;

namespace {

using Keys = std::vector<std::string>;

constexpr std::uint64_t sixteen_mebibytes = 16777216;

DynamicModes all_modes() {
    DynamicModes modes;
    modes.synchronous = true;
    modes.failsafe = true;
    return modes;
}

Remainders left_by_two() {
    return {3 * sixteen_mebibytes, {"n1", "n2"}, {"n1", "n2", "n3"}, false};
}

}  // namespace

TEST_CASE("an earlier leader's keys are in the way of whom they do not name, where their modes are on") {
    const auto left = left_by_two();
    const auto end = left.last_lsn;
    CHECK(remainders_in_the_way(left, all_modes(), "n4", end) ==
          Keys{"/sync with n1, n2", "/failsafe with n1, n2, n3"});
    CHECK(remainders_in_the_way(left, all_modes(), "n3", end) == Keys{"/sync with n1, n2"});
    CHECK(remainders_in_the_way(left, all_modes(), "N2", end).empty());
    CHECK(remainders_in_the_way(left, {}, "n4", end).empty());
    CHECK(remainders_in_the_way({}, all_modes(), "n4", 0U).empty());
}

TEST_CASE("an earlier leader's WAL is in the way when it ended further on than maximum_lag_on_failover allows") {
    const Remainders left{3 * sixteen_mebibytes, {}, {}, false};
    const auto found = [&](std::uint64_t end) { return remainders_in_the_way(left, {}, "n1", end); };
    const Keys status{"/status with LSN 0/3000000"};
    CHECK(found(left.last_lsn + 1).empty());
    CHECK(found(left.last_lsn - 1048576).empty());
    CHECK(found(left.last_lsn - 1048577) == status);
    CHECK(remainders_in_the_way(left, {}, "n1", {}) == status);
    DynamicModes generous;
    generous.maximum_lag = sixteen_mebibytes;
    CHECK(remainders_in_the_way(left, generous, "n1", left.last_lsn - sixteen_mebibytes).empty());
}

TEST_CASE("beside a failover that was asked for, only /sync counts") {
    auto left = left_by_two();
    left.failover = true;
    CHECK(remainders_in_the_way(left, all_modes(), "n4", {}) == Keys{"/sync with n1, n2"});
}

TEST_CASE("half of what is told, or another type, is nothing") {
    const std::string whole = R"({"last_lsn":7,"sync":["a"],"failsafe":[],"failover":false,"renewed":"",)"
                              R"("leader":"","ended":[]})";
    CHECK(remainders_in(whole) == Remainders{7, {"a"}, {}, false});
    for (const std::string other :
         {"", "{}", "[]", "null", R"({"last_lsn":7,"sync":["a"],"failsafe":[],"failover":false})",
          R"({"last_lsn":-7,"sync":[],"failsafe":[],"failover":false,"renewed":"","leader":"","ended":[]})",
          R"({"last_lsn":7,"sync":[8],"failsafe":[],"failover":false,"renewed":"","leader":"","ended":[]})",
          R"({"last_lsn":7,"sync":"a","failsafe":[],"failover":false,"renewed":"","leader":"","ended":[]})",
          R"({"last_lsn":7,"sync":[],"failsafe":[],"failover":null,"renewed":"","leader":"","ended":[]})",
          R"({"last_lsn":7,"sync":[],"failsafe":[],"failover":false,"renewed":"","leader":null,"ended":[]})",
          R"({"last_lsn":7,"sync":[],"failsafe":[],"failover":false,"renewed":"","leader":"","ended":[1]})"}) {
        CAPTURE(other);
        CHECK_FALSE(remainders_in(other));
    }
    CHECK_FALSE(remainders_in(whole.substr(0, whole.size() - 1)));
}

TEST_CASE("modes are read as Patroni reads them") {
    const auto modes = [](const std::string& text) { return modes_of(*patroni_pgbackrest::yaml::parse(text, "dcs")); };
    for (const std::string word : {"true", "True", "on", "yes", "1", "'on'", "'1'"}) {
        CAPTURE(word);
        CHECK(modes("pause: " + word).pause);
    }
    for (const std::string word : {"false", "off", "no", "0", "", "'off'", "maybe", "[true]", "{a: true}"}) {
        CAPTURE(word);
        CHECK_FALSE(modes("pause: " + word).pause);
    }
    CHECK(modes("synchronous_mode: quorum").synchronous);
    CHECK(modes("synchronous_mode: on").synchronous);
    CHECK_FALSE(modes("synchronous_mode_strict: on").synchronous);
    CHECK(modes("failsafe_mode: true").failsafe);
    CHECK(modes("ttl: 20").ttl == std::chrono::seconds(20));
    CHECK(modes("ttl: 30s").ttl == std::chrono::seconds(30));
    CHECK(modes("ttl: 86400").ttl == std::chrono::seconds(120));
    CHECK(modes("ttl: 30").maximum_lag == 1048576);
    CHECK(modes("maximum_lag_on_failover: 7").maximum_lag == 7);
    CHECK(modes("maximum_lag_on_failover: 1MB").maximum_lag == 1048576);
}

TEST_CASE("the modes in force are the DCS's, else those of bootstrap.dcs") {
    const patroni_pgbackrest::Files files;
    ConfigurationSource source;
    source.path = files.write("patroni.yml", "bootstrap:\n  dcs:\n    pause: true\n");
    CHECK(modes_in_force(source).pause);
    source.dcs = {R"({"failsafe_mode":true})", "patronictl edit-config demo --force"};
    CHECK_FALSE(modes_in_force(source).pause);
    CHECK(modes_in_force(source).failsafe);
    CHECK_FALSE(modes_in_force({}).pause);
}
