#include "show/estimate.hpp"

#include "show/progress_text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <functional>
#include <string_view>

namespace patroni_pgbackrest {

namespace {

using namespace std::chrono_literals;
using Seconds = std::chrono::duration<double>;

constexpr std::size_t runs_that_count = 5;
/// Of the phases that take as long for any amount.
constexpr std::array<const char*, 5> constant_phases = {"request", "plan", "take back", "verification", "hand-over"};
/// A shorter replay is not worth another backup.
constexpr auto short_replay = 5min;

std::chrono::seconds whole(Seconds duration) {
    return std::chrono::round<std::chrono::seconds>(std::clamp(duration, Seconds(0), Seconds(1e9)));
}

double seconds_of(const MeasuredRun& run, const std::string& phase) {
    const auto found = run.seconds.find(phase);
    return found == run.seconds.end() ? 0 : found->second;
}

/// Seconds for each unit of a phase, in the runs that measured it.
std::optional<double> pace(const std::vector<MeasuredRun>& runs, const std::string& phase,
                           const std::function<double(const MeasuredRun&)>& amount) {
    double units = 0, seconds = 0;
    for (const auto& run : runs) {
        if (amount(run) > 0) {
            units += amount(run);
            seconds += seconds_of(run, phase);
        }
    }
    return units > 0 ? std::optional(seconds / units) : std::nullopt;
}

double copied(const MeasuredRun& run) {
    return static_cast<double>(run.bytes);
}

double replayed(const MeasuredRun& run) {
    return static_cast<double>(run.segments) * static_cast<double>(run.segment_size);
}

double wal_bytes(const RestoreWork& work) {
    return static_cast<double>(work.segments) * static_cast<double>(work.segment_size);
}

/// Nobody knows the seconds of many minutes.
std::string about(std::chrono::seconds duration) {
    return duration_text(duration < 5min ? duration : std::chrono::round<std::chrono::minutes>(duration));
}

/// What the sum is of the whole, of which a part may not be known, and a part may not be needed.
std::string_view bound(const RestoreWork& work, const RestoreEstimate& estimate) {
    const bool is_whole = estimate.copy && estimate.replay;
    if (estimate.replay && work.may_end_earlier) {
        return is_whole ? "at most" : "about";
    }
    return is_whole ? "about" : "more than";
}

std::string segments_text(const RestoreWork& work) {
    return fmt::format("{} WAL segments ({})", count_text(work.segments), bytes_text(wal_bytes(work)));
}

}  // namespace

std::chrono::seconds RestoreEstimate::all() const {
    return copy.value_or(0s) + replay.value_or(0s) + rest;
}

std::optional<RestoreEstimate> estimate(const RestoreWork& work, const std::vector<MeasuredRun>& history) {
    const auto begin = history.size() > runs_that_count ? history.end() - runs_that_count : history.begin();
    const std::vector<MeasuredRun> runs(begin, history.end());
    const auto copy = pace(runs, "copy", copied);
    const auto replay = pace(runs, "replay", replayed);
    if (!copy && !replay) {
        return std::nullopt;
    }
    RestoreEstimate result;
    result.runs = runs.size();
    auto rest = Seconds(pace(runs, "sync", copied).value_or(0) * static_cast<double>(work.bytes));
    for (const auto& run : runs) {
        for (const auto* phase : constant_phases) {
            rest += Seconds(seconds_of(run, phase) / static_cast<double>(runs.size()));
        }
    }
    result.rest = whole(rest);
    if (copy) {
        result.copy = whole(Seconds(*copy * static_cast<double>(work.bytes)));
    }
    if (replay || work.segments == 0) {
        result.replay = whole(Seconds(replay.value_or(0) * wal_bytes(work)));
    }
    return result;
}

std::optional<MoreBackups> more_backups(const RestoreWork& work, const RestoreEstimate& estimate) {
    const auto replay = estimate.replay.value_or(0s);
    if (!estimate.copy || replay < short_replay || replay * 2 < estimate.all() || work.may_end_earlier) {
        return std::nullopt;
    }
    std::optional<MoreBackups> found;
    for (const int hours : {24, 12, 6, 4, 2, 1}) {
        const auto interval = std::chrono::hours(hours);
        if (interval >= work.since_backup) {
            continue;
        }
        const auto less = whole(Seconds(replay) * (Seconds(interval) / Seconds(work.since_backup)));
        found = MoreBackups{hours, estimate.all() - replay + less};
        if (found->all * 2 <= estimate.all()) {
            break;
        }
    }
    return found;
}

std::string estimate_text(const RestoreWork& work, const std::optional<RestoreEstimate>& estimate) {
    if (!estimate) {
        return fmt::format("not known, since no restore was measured on this node yet: {} to copy, {} to replay",
                           bytes_text(static_cast<double>(work.bytes)), segments_text(work));
    }
    const auto size = bytes_text(static_cast<double>(work.bytes));
    const auto copy = estimate->copy ? fmt::format("{} copied in {}", size, about(*estimate->copy))
                                     : fmt::format("and the copy of {}, which no restore here has measured", size);
    const auto replay =
        estimate->replay ? fmt::format("{} replayed in {}", segments_text(work), about(*estimate->replay))
                         : fmt::format("and the replay of {}, which no restore here has measured", segments_text(work));
    return fmt::format("{} {}: {}, {}, {} for the rest; by the rates of the last {} here", bound(work, *estimate),
                       about(estimate->all()), copy, replay, about(estimate->rest),
                       estimate->runs == 1 ? std::string("restore") : fmt::format("{} restores", estimate->runs));
}

std::string shorter_text(const RestoreWork& work, const MoreBackups& backups) {
    return fmt::format("{} WAL segments since the backup: an incremental one every {} h makes it {}",
                       count_text(work.segments), backups.every_hours, about(backups.all));
}

}  // namespace patroni_pgbackrest
