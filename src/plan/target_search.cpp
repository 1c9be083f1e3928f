#include "plan/target_search.hpp"

#include "plan/timeline_choice.hpp"
#include "plan/wal_path.hpp"
#include "system/failure.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <functional>
#include <string>
#include <variant>

namespace patroni_pgbackrest {

namespace {

using postgres::Lsn;
using postgres::TimelineHistory;

struct Place {
    Lsn at;
    std::string segment;
};

struct FoundNames {
    std::vector<Place> places;  ///< the last one first
    bool is_whole;              ///< every segment that was looked at was there, and could be read
};

std::vector<Lsn> find_in(const std::string& name, const RecoveryTarget& target, ArchivedWal& wal) {
    if (const auto* xid = std::get_if<Xid>(&target.point)) {
        const auto end = wal.end_of_transaction(name, static_cast<std::uint32_t>(xid->number));
        return end ? std::vector<Lsn>{*end} : std::vector<Lsn>{};
    }
    std::vector<Lsn> places;
    for (const auto& found : wal.facts(name).restore_points) {
        if (found.what.name == std::get<Name>(target.point).name) {
            places.push_back(found.start);
        }
    }
    return places;
}

std::optional<pgbackrest::Backup> newest_before(Lsn place, const std::vector<pgbackrest::Backup>& candidates,
                                                const TimelineHistory& history) {
    const auto newest = std::find_if(candidates.rbegin(), candidates.rend(), [&](const auto& backup) {
        return backup.lsn_stop && *backup.lsn_stop <= place &&
               history.contains(starting_timeline(backup), *backup.lsn_stop);
    });
    return newest == candidates.rend() ? std::nullopt : std::optional(*newest);
}

/// In the last `most` segments. A transaction ends once. Of restore points with one name the replay ends at the first
/// behind its beginning, so all of them count, back to where the replay to the last one seen would begin.
FoundNames look_for(const RecoveryTarget& target, const PlannedWal& planned, std::size_t most,
                    postgres::SegmentSize size, const RepositoryState& repository,
                    const std::function<std::optional<Lsn>(Lsn)>& beginning_for) {
    constexpr std::chrono::seconds between_lines(5);
    auto last_line = std::chrono::steady_clock::now();
    std::size_t seen = 0;
    FoundNames found{{}, planned.missing.empty()};
    auto& places = found.places;
    planned.visit_backwards(size, [&](const std::string& name) {
        if (!places.empty() && std::holds_alternative<Xid>(target.point)) {
            return false;
        }
        if (seen >= most) {
            const auto beginning = places.empty() ? std::nullopt : beginning_for(places.back().at);
            if (!beginning || postgres::Segment::parse(name, size)->end(size) <= *beginning) {
                return false;
            }
        }
        if (const auto now = std::chrono::steady_clock::now(); now - last_line >= between_lines) {
            log::info("looking for {}: {} of {} WAL segments, at {}", target.text(), seen, planned.segments, name);
            last_line = now;
        }
        ++seen;
        const auto look = [&] {
            for (const auto at : find_in(name, target, *repository.wal)) {
                log::info("{} is in WAL segment {}, at {}", target.text(), name, at.text());
                places.push_back({at, name});
            }
        };
        const bool could_look = repository.archive.segments.contains(name) && could_read(look);
        found.is_whole = found.is_whole && could_look;
        return true;
    });
    return found;
}

[[noreturn]] void refuse_several(const RecoveryTarget& target, const std::vector<Place>& places) {
    std::vector<std::string> texts;
    for (auto place = places.rbegin(); place != places.rend(); ++place) {
        texts.push_back(fmt::format("{} (WAL segment {})", place->at.text(), place->segment));
    }
    throw Failure(ExitCode::usage,
                  fmt::format("several restore points are called {}: at {}", std::get<Name>(target.point).name,
                              system::join(texts, ", ")),
                  "the replay ends at the first one behind the backup: name a backup set with set, or ask for one of "
                  "these places with type lsn");
}

/// PostgreSQL stops there all the same, and ends in an error (requested recovery stop point is before consistent
/// recovery point).
void refuse_before_every_end(const RecoveryTarget& target, const Place& place,
                             const std::vector<pgbackrest::Backup>& candidates) {
    const bool is_behind_one = std::any_of(candidates.begin(), candidates.end(), [&](const auto& backup) {
        return !backup.lsn_stop || *backup.lsn_stop <= place.at;
    });
    if (is_behind_one) {
        return;
    }
    const auto& oldest = candidates.front();
    throw Failure(ExitCode::target_not_reachable,
                  fmt::format("the target {} is at {} (WAL segment {}), before the end of backup set {} at {}, and no "
                              "older set leads to it",
                              target.text(), place.at.text(), place.segment, oldest.label, oldest.lsn_stop->text()),
                  fmt::format("the first point that this set leads to is its end: say set: {} and type: immediate",
                              oldest.label));
}

}  // namespace

std::size_t most_segments_to_look_through(postgres::SegmentSize size) {
    constexpr std::uint64_t bytes = 4ULL << 30;
    return bytes / size.bytes;
}

bool needs_search(const Request& request, const std::vector<pgbackrest::Backup>& candidates) {
    if (request.backup_set) {
        return false;
    }
    const auto& point = request.target.point;
    return std::holds_alternative<Name>(point) ? !candidates.empty()
                                               : std::holds_alternative<Xid>(point) && candidates.size() > 1;
}

std::optional<pgbackrest::Backup> find_backup_before_target(const Request& request,
                                                            const std::vector<pgbackrest::Backup>& candidates,
                                                            const RepositoryState& repository) {
    const auto& oldest = candidates.front();
    const auto size = pgbackrest::segment_size_of(oldest).value_or(repository.stanza.segment_size);
    auto latest = request;
    latest.target = {Latest{}};
    // Whether another branch may hold the target is asked when the plan is made; which one is the latest, never.
    latest.backup_set = oldest.label;
    if (!latest.timeline) {
        latest.timeline = TimelineWish{Latest{}};
    }
    const auto history =
        choose_timeline(latest, oldest, repository.stanza.backups, repository.archive, *repository.wal, size).history;
    const auto planned = plan_wal(oldest, latest.target, history, repository.archive.segments, size);
    const auto most = request.search ? planned.segments : most_segments_to_look_through(size);
    auto [places, is_whole] = look_for(request.target, planned, most, size, repository, [&](Lsn place) {
        const auto backup = newest_before(place, candidates, history);
        return backup ? backup->lsn_stop : std::nullopt;
    });
    // No replay comes by what the first segment holds in front of the oldest backup's start.
    std::erase_if(places, [&](const auto& place) { return oldest.lsn_start && place.at < *oldest.lsn_start; });
    if (places.size() > 1) {
        refuse_several(request.target, places);
    }
    if (!places.empty()) {
        refuse_before_every_end(request.target, places.front(), candidates);
        return newest_before(places.front().at, candidates, history);
    }
    if (most < planned.segments) {
        log::info("{} is not in the last {} WAL segments{}", request.target.text(), most,
                  candidates.size() == 1 ? ": the replay ends at the first one behind the only backup set" : "");
        return std::nullopt;
    }
    if (candidates.size() == 1 && !is_whole) {
        return std::nullopt;  // there is no choice, and it may be in what could not be read
    }
    throw Failure(ExitCode::target_not_reachable,
                  fmt::format("the target {} is nowhere in the WAL from backup set {} to the end of timeline {}",
                              request.target.text(), oldest.label, history.timeline.text()),
                  "if it is on another timeline, name that with target-timeline; if its server runs, select "
                  "pg_switch_wal() there has the WAL archived that it is in");
}

}  // namespace patroni_pgbackrest
