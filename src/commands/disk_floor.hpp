#pragma once

#include <cstdint>
#include <filesystem>

namespace patroni_pgbackrest::commands {

/// The room that stays free on a rehearsal's disk, where production may need it.
class DiskFloor {
  public:
    DiskFloor(std::filesystem::path directory, std::uint64_t floor);

    /// Before the copy. Throws Failure(preflight_refused) when there is no room for so many bytes above the floor.
    void require_room_for(std::uint64_t bytes) const;
    /// In the middle, again and again. Throws Failure(system_refused) when less is free, once: what ends then is not
    /// ended again.
    void require();

  private:
    std::filesystem::path directory_;
    std::uint64_t floor_;
    bool has_ended_ = false;
};

}  // namespace patroni_pgbackrest::commands
