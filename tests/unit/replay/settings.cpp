#include "replay/settings.hpp"

#include "request/replay_settings.hpp"
#include "support/catch.hpp"
#include "support/requests.hpp"

#include <map>
#include <set>
#include <string>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest;

namespace {

constexpr std::uint64_t gibibyte = 1ULL << 30;

using Named = std::map<std::string, std::string>;

Named named(const std::vector<postgres::Setting>& settings) {
    Named result;
    for (const auto& setting : settings) {
        CAPTURE(setting.name);
        CHECK(result.emplace(setting.name, setting.value).second);
    }
    return result;
}

postgres::ControlData control(int connections, int prepared) {
    postgres::ControlData control;
    control.wal_level = "replica";
    control.max_connections = connections;
    control.max_worker_processes = 8;
    control.max_wal_senders = 10;
    control.max_prepared_transactions = prepared;
    control.max_locks_per_transaction = 64;
    return control;
}

Named server(const ReplayResources& resources, int connections = 100, int prepared = 0,
             const std::string& libraries = "") {
    return named(server_settings(control(connections, prepared), 16, resources, libraries));
}

Named tuned(int major_version, std::uint64_t memory, std::uint64_t database) {
    return named(tuned_settings(major_version, {.memory = memory, .database = database}));
}

Named recovery_of(const RecoveryTarget& target) {
    return named(recovery_settings(target, postgres::Timeline{3}, "guard %f %p"));
}

}  // namespace

TEST_CASE("memory and disk that are used have bounds below and above") {
    CHECK(server({0, 0, 1})["shared_buffers"] == "128MB");
    CHECK(server({2 * gibibyte, 0, 1})["shared_buffers"] == "512MB");
    CHECK(server({64 * gibibyte, 0, 1})["shared_buffers"] == "2048MB");
    CHECK(server({0, 0, 1})["max_wal_size"] == "32MB");
    CHECK(server({0, 320ULL << 20, 1})["max_wal_size"] == "80MB");
    CHECK(server({0, 20 * gibibyte, 1})["max_wal_size"] == "5120MB");
    CHECK(server({0, 900 * gibibyte, 1})["max_wal_size"] == "16384MB");
    CHECK(archive_get_queue(0, 0) == 16ULL << 20);
    CHECK(archive_get_queue(gibibyte, 64 * gibibyte) == gibibyte / 8);
    CHECK(archive_get_queue(900 * gibibyte, 2 * gibibyte) == gibibyte / 4);
    CHECK(archive_get_queue(900 * gibibyte, 64 * gibibyte) == gibibyte);
}

TEST_CASE("a database fits into memory where there is room for it beside the server's own buffers") {
    CHECK(fits_into_memory({.memory = 4 * gibibyte, .database = 3 * gibibyte}));  // beside 1 GiB
    CHECK_FALSE(fits_into_memory({.memory = 4 * gibibyte, .database = 3 * gibibyte + 1}));
    CHECK(fits_into_memory({.memory = 64 * gibibyte, .database = 62 * gibibyte}));  // beside 2 GiB
    CHECK_FALSE(fits_into_memory({.memory = 64 * gibibyte, .database = 63 * gibibyte}));
    CHECK_FALSE(fits_into_memory({.memory = 128ULL << 20, .database = 1}));
    CHECK_FALSE(fits_into_memory({.memory = 64 * gibibyte, .database = 0}));  // not known
    CHECK_FALSE(fits_into_memory({}));
}

TEST_CASE("each version gets the parameters that it has, and what depends on the database's size") {
    const auto without_prefetch = Named{{"shared_buffers", "2048MB"}, {"checkpoint_timeout", "30min"}};
    auto with_prefetch_off = without_prefetch;
    with_prefetch_off["recovery_prefetch"] = "off";
    for (const int version : {13, 14}) {
        CAPTURE(version);
        CHECK(tuned(version, 64 * gibibyte, gibibyte) == without_prefetch);
        CHECK(tuned(version, 64 * gibibyte, 640 * gibibyte) == without_prefetch);
    }
    for (const int version : {15, 16, 17, 18}) {
        CAPTURE(version);
        CHECK(tuned(version, 64 * gibibyte, gibibyte) == with_prefetch_off);
        CHECK(tuned(version, 64 * gibibyte, 640 * gibibyte) == without_prefetch);
        CHECK(tuned(version, 64 * gibibyte, 0) == without_prefetch);
    }
    CHECK(server({.memory = 64 * gibibyte, .database = gibibyte})["recovery_prefetch"] == "off");
    CHECK(server({.memory = 64 * gibibyte}).count("recovery_prefetch") == 0);
}

TEST_CASE("PostgreSQL reads ahead from version 15 on, unless recovery_prefetch is off") {
    CHECK_FALSE(reads_ahead(14, {}));
    CHECK(reads_ahead(15, {}));
    CHECK(reads_ahead(15, {{"recovery_prefetch", "on"}}));
    CHECK_FALSE(reads_ahead(15, {{"recovery_prefetch", "off"}}));
    CHECK_FALSE(reads_ahead(18, {{"fsync", "off"}, {"recovery_prefetch", "off"}}));
}

TEST_CASE("replay-setting changes nothing but what time alone hangs on") {
    const std::set<std::string> tunable = {"shared_buffers", "max_wal_size", "min_wal_size", "checkpoint_timeout",
                                           "recovery_prefetch"};
    auto all = server({.memory = 64 * gibibyte, .database = gibibyte}, 100, 0, "extension");
    all.merge(recovery_of({Immediate{}}));
    all.merge(named(settings_beside_production(17)));
    all.erase("huge_pages");
    for (const auto& [name, value] : all) {
        CAPTURE(name);
        CHECK(why_not_for_a_replay(name).empty() == (tunable.count(name) == 1));
    }
}

TEST_CASE("what a standby compares is exactly what pg_control says") {
    auto settings = server({}, 5, 3);
    CHECK(settings["max_connections"] == "5");
    CHECK(settings["superuser_reserved_connections"] == "0");
    CHECK(settings["max_prepared_transactions"] == "3");
    CHECK(settings["max_worker_processes"] == "8");
    CHECK(settings["max_wal_senders"] == "10");
    CHECK(settings["max_locks_per_transaction"] == "64");
    CHECK(settings["wal_level"] == "replica");
    CHECK(settings["wal_log_hints"] == "off");
}

TEST_CASE("nothing is archived during the replay, and nothing is lost by it") {
    auto settings = server({});
    CHECK(settings["archive_mode"] == "on");
    CHECK(settings.count("archive_command") == 1);
    CHECK(settings["archive_command"].empty());
    CHECK(settings["track_commit_timestamp"] == "on");
    CHECK(settings["hot_standby"] == "off");
    CHECK(settings["fsync"] == "off");
}

TEST_CASE("the replay flushes where what it has written is believed after another mount of the disk") {
    CHECK(server({.flushes = true})["fsync"] == "on");
}

TEST_CASE("libraries are loaded only where they are asked for") {
    CHECK(server({}).count("shared_preload_libraries") == 0);
    CHECK(server({}, 100, 0, "one,two")["shared_preload_libraries"] == "one,two");
}

TEST_CASE("there is room for more replication origins than the copy holds") {
    CHECK(named({setting_for_origins(17, 0)}) == Named{{"max_replication_slots", "1000"}});
    CHECK(named({setting_for_origins(18, 11)}) == Named{{"max_active_replication_origins", "1011"}});
    const Files files;
    CHECK(replication_origins_in(files.path()) == 0);
    files.write("pg_logical/replorigin_checkpoint", std::string(8, 'x'));
    CHECK(replication_origins_in(files.path()) == 0);
    files.write("pg_logical/replorigin_checkpoint", std::string(8 + 11 * 16, 'x'));
    CHECK(replication_origins_in(files.path()) == 11);
}

TEST_CASE("pending transactions are counted by their files") {
    const Files files;
    files.write("pg_twophase/.nfs0000001", "x");
    CHECK(prepared_transactions_in(files.path()) == 0);
    files.write("pg_twophase/000002E1", "x");
    files.write("pg_twophase/00000000000002E2", "x");
    CHECK(prepared_transactions_in(files.path()) == 2);
}

TEST_CASE("beside a server in production no huge page is taken, and no login trigger runs") {
    CHECK(named(settings_beside_production(16)) == Named{{"huge_pages", "off"}});
    CHECK(named(settings_beside_production(17)) == Named{{"huge_pages", "off"}, {"event_triggers", "off"}});
}

TEST_CASE("each target sets its own parameter and no other") {
    const Named basis{
        {"restore_command", "guard %f %p"}, {"recovery_target_timeline", "3"}, {"recovery_target_action", "promote"}};
    const auto with = [&](const std::string& name, const std::string& value, const std::string& inclusive) {
        auto settings = basis;
        settings[name] = value;
        settings["recovery_target_inclusive"] = inclusive;
        return settings;
    };
    CHECK(recovery_of({Latest{}}) == basis);
    CHECK(recovery_of({Immediate{}}) == with("recovery_target", "immediate", "on"));
    CHECK(recovery_of(time_target("2026-11-22 10:00:00+01")) ==
          with("recovery_target_time", "2026-11-22 09:00:00+00", "on"));
    CHECK(recovery_of(time_target("2026-11-22 10:00:00+01", true)) ==
          with("recovery_target_time", "2026-11-22 09:00:00+00", "off"));
    CHECK(recovery_of({Xid{748}, true}) == with("recovery_target_xid", "748", "off"));
    CHECK(recovery_of(lsn_target("16/B374D848")) == with("recovery_target_lsn", "16/B374D848", "on"));
    CHECK(recovery_of({Name{"it's"}}) == with("recovery_target_name", "it's", "on"));
}

TEST_CASE("the guard's command is this very program") {
    const auto self = std::filesystem::canonical("/proc/self/exe").string();
    CHECK(guard_command().find(self) != std::string::npos);
    const std::string rest = " archive-get %f \"%p\"";
    REQUIRE(guard_command().size() > rest.size());
    CHECK(guard_command().substr(guard_command().size() - rest.size()) == rest);
}
