#include "commands/kept_rehearsal.hpp"

#include "postgres/control_data.hpp"
#include "support/catch.hpp"
#include "support/control_file.hpp"
#include "support/files.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::commands;
using postgres::ClusterState;

namespace {

/// pg_control has it behind the system identifier and two version numbers.
std::string control_in(ClusterState state) {
    constexpr std::size_t place_of_state = 16;
    auto content = control_file("7300000000000000001");
    content[place_of_state] = static_cast<char>(state);
    return content;
}

}  // namespace

TEST_CASE("what a rehearsal that failed has restored is nothing, a copy, or a cluster that can be started") {
    const Files files;
    const auto restored = [&] { return what_was_restored(files.path()); };
    CHECK(restored() == Restored::nothing);
    // As the backup of a running primary brings it.
    files.write("global/pg_control", control_in(ClusterState::in_production));
    files.write("backup_label", "");
    files.write("recovery.signal", "");
    CHECK(restored() == Restored::copy);
    std::filesystem::remove(files.path("backup_label"));
    CHECK(restored() == Restored::copy);
    std::filesystem::remove(files.path("recovery.signal"));
    for (const auto state : {ClusterState::in_production, ClusterState::shutting_down, ClusterState::shut_down}) {
        files.write("global/pg_control", control_in(state));
        CHECK(restored() == Restored::cluster);
    }
    for (const auto state : {ClusterState::in_archive_recovery, ClusterState::shut_down_in_recovery}) {
        files.write("global/pg_control", control_in(state));
        CHECK(restored() == Restored::copy);
    }
}

TEST_CASE("a kept cluster comes up with any size of WAL segments and any number of replication origins") {
    constexpr std::uint64_t mebibyte = 1ULL << 20;
    const auto settings_with = [](std::uint64_t segment_megabytes, int major_version) {
        postgres::ControlData control;
        control.segment_size.bytes = segment_megabytes * mebibyte;
        control.max_prepared_transactions = 7;
        std::map<std::string, std::string> named;
        for (const auto& setting : settings_to_look_at(control, major_version, 11)) {
            named[setting.name] = setting.value;
        }
        return named;
    };
    auto settings = settings_with(16, 16);
    CHECK(settings["min_wal_size"] == "32MB");
    CHECK(settings["max_wal_size"] == "1024MB");
    CHECK(settings["max_replication_slots"] == "1011");
    CHECK(settings["max_prepared_transactions"] == "7");
    CHECK(settings["archive_mode"] == "off");
    CHECK(settings["huge_pages"] == "off");
    CHECK_FALSE(settings.contains("event_triggers"));
    settings = settings_with(1024, 18);
    CHECK(settings["min_wal_size"] == "2048MB");
    CHECK(settings["max_wal_size"] == "2048MB");
    CHECK(settings["max_active_replication_origins"] == "1011");
    CHECK(settings["event_triggers"] == "off");
}
