#include "commands/disk_floor.hpp"

#include "show/progress_text.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"

#include <fmt/format.h>
#include <string>
#include <utility>

namespace patroni_pgbackrest::commands {

namespace {

constexpr const char* make_room_or_move = "make room, or name a scratch directory on another disk";

std::string size_of(std::uint64_t bytes) {
    return bytes_text(static_cast<double>(bytes));
}

}  // namespace

DiskFloor::DiskFloor(std::filesystem::path directory, std::uint64_t floor)
    : directory_(std::move(directory)), floor_(floor) {}

void DiskFloor::require_room_for(std::uint64_t bytes) const {
    const auto free = system::free_bytes(directory_);
    if (free < floor_ || free - floor_ < bytes) {
        throw Failure(ExitCode::preflight_refused,
                      fmt::format("the backup has {}, and the disk of {} has {} free, of which disk-floor keeps {}",
                                  size_of(bytes), directory_.string(), size_of(free), size_of(floor_)),
                      make_room_or_move);
    }
}

void DiskFloor::require() {
    const auto free = system::free_bytes(directory_);
    if (free < floor_ && !std::exchange(has_ended_, true)) {
        throw Failure(ExitCode::system_refused,
                      fmt::format("{} are left on the disk of {}, and disk-floor keeps {} free", size_of(free),
                                  directory_.string(), size_of(floor_)),
                      make_room_or_move);
    }
}

}  // namespace patroni_pgbackrest::commands
