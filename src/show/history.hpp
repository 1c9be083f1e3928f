#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// How long a restore took that ended well, and for how much. An amount is 0 where the phase tells no rate: an earlier
/// run had done a part of it, it waited for a repository, or somebody else does it.
struct MeasuredRun {
    std::int64_t at = 0;                      ///< its end, in seconds since 1970
    std::uint64_t bytes = 0;                  ///< copied
    std::uint64_t segments = 0;               ///< replayed
    std::uint64_t segment_size = 0;           ///< in bytes
    std::map<std::string, double> seconds{};  ///< of each phase

    bool operator==(const MeasuredRun&) const = default;
};

/// The last restores on this node, oldest first; none where the file is not there, damaged, or a newer program's, which
/// is nobody's loss.
std::vector<MeasuredRun> read_history(const std::filesystem::path& file);
/// Adds one; the oldest goes when there are more than ten. Throws Failure(system_refused).
void add_to_history(const std::filesystem::path& file, const MeasuredRun& run);

}  // namespace patroni_pgbackrest
