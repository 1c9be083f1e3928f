#include "commands/kept_rehearsal.hpp"

#include "postgres/control_data.hpp"
#include "support/catch.hpp"
#include "support/control_file.hpp"
#include "support/files.hpp"

#include <filesystem>
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
