#include "commands/disk_floor.hpp"

#include "support/catch.hpp"
#include "support/requests.hpp"

using namespace patroni_pgbackrest;
using commands::DiskFloor;

TEST_CASE("a rehearsal needs room for the backup above what stays free") {
    const Files files;
    constexpr std::uint64_t too_much = 1ULL << 62;
    CHECK_NOTHROW(DiskFloor(files.path(), 0).require_room_for(1));
    for (const auto& [floor, bytes] : {std::pair(too_much, std::uint64_t{1}), std::pair(std::uint64_t{0}, too_much)}) {
        const auto refused = problems_of(ExitCode::preflight_refused,
                                         [&, f = floor, b = bytes] { DiskFloor(files.path(), f).require_room_for(b); });
        REQUIRE(refused.size() == 1);
        CHECK(refused[0].message.find("of which disk-floor keeps") != std::string::npos);
    }
}

TEST_CASE("a disk that fills ends a rehearsal once") {
    const Files files;
    DiskFloor low(files.path(), 0);
    CHECK_NOTHROW(low.require());
    DiskFloor high(files.path(), 1ULL << 62);
    CHECK(problems_of(ExitCode::system_refused, [&] { high.require(); }).size() == 1);
    CHECK_NOTHROW(high.require());
}
