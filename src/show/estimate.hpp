#pragma once

#include "show/history.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// What a restore has to do.
struct RestoreWork {
    std::uint64_t bytes = 0;         ///< of the backup set
    std::uint64_t segments = 0;      ///< to replay
    std::uint64_t segment_size = 0;  ///< in bytes
    std::chrono::seconds since_backup{};
    bool may_end_earlier = false;  ///< the target lies somewhere in these segments
};

/// How long it takes, by the rates of the last restores here. A part that none of them measured is empty.
struct RestoreEstimate {
    std::optional<std::chrono::seconds> copy, replay;
    std::chrono::seconds rest{};  ///< plan, verification, flushing, hand-over
    std::size_t runs = 0;         ///< that were measured

    std::chrono::seconds all() const;
};

/// By the last five runs, each weighted with its amount; empty when none of them measured anything. No rate is made up.
std::optional<RestoreEstimate> estimate(const RestoreWork& work, const std::vector<MeasuredRun>& history);

/// A backup that often makes a restore that begins right before the next one last at most so long.
struct MoreBackups {
    int every_hours = 0;
    std::chrono::seconds all{};
};
/// The longest usual interval that makes it half as long, else the shortest one; empty where the replay is not what
/// takes the time, or the backup is no older than that.
std::optional<MoreBackups> more_backups(const RestoreWork& work, const RestoreEstimate& estimate);

/// `about 42 min: 12.3 GiB copied in 10 min, 1,900 WAL segments replayed in 31 min, …`; without any run that was
/// measured, the amounts.
std::string estimate_text(const RestoreWork& work, const std::optional<RestoreEstimate>& estimate);
/// `1,900 WAL segments since the backup: an incremental one every 6 h makes it 15 min`
std::string shorter_text(const RestoreWork& work, const MoreBackups& backups);

}  // namespace patroni_pgbackrest
