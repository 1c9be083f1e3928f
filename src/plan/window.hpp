#pragma once

#include "plan/plan.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace patroni_pgbackrest {

/// From when to when the repository can bring the cluster back, on the plan's timeline.
struct Window {
    std::int64_t begin = 0;                 ///< seconds since 1970: the end of the first backup
    std::string first_set;                  ///< that backup
    PlannedWal wal;                         ///< from the plan's backup to the end of what the archive has
    std::optional<LastCommit> last_commit;  ///< behind that backup
    bool gave_up = false;                   ///< it was looked for in a bounded number of segments, and not found
};
Window find_window(const Plan& plan, const RepositoryState& repository);

/// A time from the first backup's end to just before the last commit, which ends a replay to it. It is chosen by this
/// seed: the same window and seed give the same one. Empty where no commit lies behind that backup.
std::optional<RecoveryTarget> random_moment(const Window& window, std::uint64_t seed);

/// A request for a time on the timeline that this plan follows, from the newest backup set in its past that ends before
/// that time: where other branches may be meant as well, it says which. Empty where there is no such set.
std::optional<Request> on_the_way(const Request& request, const Time& time, const Plan& plan,
                                  const RepositoryState& repository);

/// The same in words.
std::string window_text(const Plan& plan, const RepositoryState& repository);
std::string window_text(const Window& window, const Plan& plan);

}  // namespace patroni_pgbackrest
