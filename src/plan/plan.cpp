#include "plan/plan.hpp"

#include "plan/timeline_choice.hpp"
#include "postgres/binaries.hpp"
#include "process/child.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace patroni_pgbackrest {

namespace {

using postgres::Segment;
using postgres::Timeline;

std::string labels_of(const std::vector<pgbackrest::Backup>& backups) {
    constexpr std::size_t most = 8;
    std::vector<std::string> labels;
    for (const auto& backup : backups) {
        labels.push_back(backup.label);
    }
    if (labels.size() > most) {
        labels.erase(labels.begin(), labels.end() - most);
        labels.insert(labels.begin(), "…");
    }
    return system::join(labels, ", ");
}

/// Whether the replay from this backup can reach the target, seen from the backup's end alone.
bool ends_before(const pgbackrest::Backup& backup, const RecoveryTarget& target, postgres::SegmentSize size) {
    if (const auto* time = std::get_if<Time>(&target.point)) {
        return std::chrono::sys_seconds{std::chrono::seconds{backup.stopped}} <= time->at;
    }
    if (const auto* lsn = std::get_if<LsnTarget>(&target.point)) {
        if (backup.lsn_stop) {
            return *backup.lsn_stop <= lsn->lsn;
        }
        // pgBackRest before 2.36 tells no LSN: its last segment must lie before the target as a whole.
        const auto last = Segment::parse(backup.archive_stop, size);
        return last && last->end(size) <= lsn->lsn;
    }
    return true;
}

/// Where a transaction or a restore point lies in the archive is known only to who replays it.
void refuse_to_guess(const Request& request, const std::vector<pgbackrest::Backup>& candidates) {
    const auto& point = request.target.point;
    const bool is_known = !std::holds_alternative<Xid>(point) && !std::holds_alternative<Name>(point);
    if (is_known || candidates.size() < 2) {
        return;
    }
    constexpr std::size_t most = 8;
    std::vector<std::string> ends;
    for (auto backup = candidates.rbegin(); backup != candidates.rend() && ends.size() < most; ++backup) {
        ends.push_back(fmt::format("{} (ended at {})", backup->label, instant(backup->stopped)));
    }
    throw Failure(
        ExitCode::usage,
        fmt::format("the target {} may lie before or after the end of each of {} backup sets", request.target.text(),
                    candidates.size()),
        fmt::format("name with set the newest one that had ended before it; an older one takes longer, and is right as "
                    "well: {}{}",
                    system::join(ends, ", "), candidates.size() > most ? ", …" : ""));
}

const pgbackrest::Database& database_of(const pgbackrest::Stanza& stanza, const pgbackrest::Backup& backup) {
    for (const auto& database : stanza.databases) {
        if (database.id == backup.database_id && database.repository == backup.repository) {
            return database;
        }
    }
    throw Failure(
        ExitCode::target_not_reachable,
        fmt::format("pgbackrest info knows no database {} for backup set {}", backup.database_id, backup.label),
        "run pgbackrest check on the repository");
}

int supported_major(const pgbackrest::Database& database) {
    const auto major = system::number(database.version.substr(0, database.version.find('.')));
    if (!major || *major < postgres::oldest_supported_major) {
        throw Failure(ExitCode::preflight_refused,
                      fmt::format("the backup is of PostgreSQL {}, which is not supported", database.version),
                      fmt::format("PostgreSQL {} and later can be restored", postgres::oldest_supported_major));
    }
    return static_cast<int>(*major);
}

/// PostgreSQL ends at the first record that begins at the target LSN or behind it, so one has to be left there. A
/// segment's beginning is such a place, unless the backup ends in that segment and the rest of it is empty.
std::string point_in(const Segment& last, const Plan& plan) {
    const auto start = last.start(plan.segment_size);
    if (plan.backup.lsn_stop ? start < *plan.backup.lsn_stop
                             : last.name(plan.segment_size) <= plan.backup.archive_stop) {
        return fmt::format("the end of backup set {} (type immediate)", plan.backup.label);
    }
    return fmt::format("type lsn and target {}", start.text());
}

Segment before(const Segment& segment) {
    return {segment.timeline, segment.number - 1};
}

void refuse_gap(const Request& request, const Plan& plan) {
    if (plan.wal.missing.empty()) {
        return;
    }
    const auto& missing = plan.wal.missing;
    const bool in_backup = missing.front() <= plan.backup.archive_stop;
    const auto names = missing.size() == 1 ? missing.front() : fmt::format("{} to {}", missing.front(), missing.back());
    if (in_backup) {
        throw Failure(ExitCode::target_not_reachable,
                      fmt::format("WAL segment {} is missing from the archive, and backup set {} cannot be made "
                                  "consistent without it",
                                  names, plan.backup.label),
                      "choose another backup set with set");
    }
    const auto gap = Segment::parse(missing.front(), plan.segment_size);
    if (request.target.is_latest()) {
        throw Failure(
            ExitCode::target_not_reachable,
            fmt::format("WAL segment {} is missing from the archive: what comes after it cannot be replayed", names),
            fmt::format("bring it back, use a newer backup set, or ask for a point before it: {}",
                        point_in(before(*gap), plan)));
    }
    if (const auto* lsn = std::get_if<LsnTarget>(&request.target.point);
        lsn != nullptr && gap->start(plan.segment_size) <= lsn->lsn) {
        throw Failure(
            ExitCode::target_not_reachable,
            fmt::format("WAL segment {} is missing from the archive, before the target {}", names, lsn->lsn.text()),
            fmt::format("a point before it is {}", point_in(before(*gap), plan)));
    }
    log::warning("WAL segment {} is missing from the archive: the recovery is aborted should it be needed before the "
                 "target is reached",
                 names);
}

void refuse_target_behind_the_archive(const Request& request, const Plan& plan) {
    const auto* lsn = std::get_if<LsnTarget>(&request.target.point);
    if (lsn == nullptr || plan.wal.ranges.empty()) {
        return;
    }
    const auto last = Segment::parse(plan.wal.last(), plan.segment_size);
    if (last->end(plan.segment_size) <= lsn->lsn) {
        throw Failure(ExitCode::target_not_reachable,
                      fmt::format("the archive ends at {} (WAL segment {}), before the target {}",
                                  last->end(plan.segment_size).text(), plan.wal.last(), lsn->lsn.text()),
                      fmt::format("a point before it is {}; type latest brings all there is", point_in(*last, plan)));
    }
}

std::string on_the_way(const std::optional<TimelineWish>& wish) {
    const auto* timeline = wish ? std::get_if<Timeline>(&wish->choice) : nullptr;
    return timeline != nullptr ? fmt::format(" on the way to timeline {}", timeline->text()) : std::string();
}

/// With a repository out of reach nobody knows where the archive ends, and the one that is left may lag behind.
void require_whole_archive(const Request& request, const pgbackrest::Stanza& stanza) {
    constexpr int out_of_reach = 99;
    for (const auto& repository : stanza.repositories) {
        if (repository.code == out_of_reach && !request.repository && !request.target.is_immediate()) {
            throw Failure(ExitCode::repository_unreachable,
                          fmt::format("repository {} of stanza {} is out of reach, so the end of the archive is not "
                                      "known: {}",
                                      repository.key, stanza.name, repository.message),
                          "bring it back, or name the repository that is to be restored from with repo");
        }
    }
}

}  // namespace

bool PlannedWal::contains(const std::string& segment) const {
    return std::any_of(ranges.begin(), ranges.end(), [&](const SegmentRange& range) {
        // Names of one timeline sort like their numbers.
        return range.first.substr(0, 8) == segment.substr(0, 8) && range.first <= segment && segment <= range.last;
    });
}

pgbackrest::Backup choose_backup(const Request& request, const pgbackrest::Stanza& stanza) {
    std::vector<pgbackrest::Backup> candidates;
    for (const auto& backup : stanza.backups) {
        if (!request.repository || backup.repository == *request.repository) {
            candidates.push_back(backup);
        }
    }
    if (request.backup_set) {
        for (const auto& backup : candidates) {
            if (backup.label == *request.backup_set) {
                starting_timeline(backup);  // an offline one has none
                if (!ends_before(backup, request.target, stanza.segment_size)) {
                    throw Failure(ExitCode::target_not_reachable,
                                  fmt::format("backup set {} ends at {}{}, after the target {}", backup.label,
                                              instant(backup.stopped),
                                              backup.lsn_stop ? ", LSN " + backup.lsn_stop->text() : "",
                                              request.target.text()),
                                  "choose an older backup set, or leave set out");
                }
                return backup;
            }
        }
        throw Failure(ExitCode::target_not_reachable,
                      fmt::format("backup set {} does not exist in stanza {}", *request.backup_set, stanza.name),
                      "there are: " + labels_of(candidates));
    }
    std::erase_if(candidates, [&](const auto& backup) {
        return backup.archive_start.empty() || !may_start_on(backup, request.timeline);
    });
    if (candidates.empty()) {
        throw Failure(ExitCode::target_not_reachable,
                      fmt::format("stanza {} has no backup{}{}", stanza.name,
                                  request.repository ? fmt::format(" in repository {}", *request.repository) : "",
                                  on_the_way(request.timeline)),
                      "run pgbackrest info to see what there is");
    }
    refuse_to_guess(request, candidates);
    const auto newest = std::find_if(candidates.rbegin(), candidates.rend(), [&](const auto& backup) {
        return ends_before(backup, request.target, stanza.segment_size);
    });
    if (newest == candidates.rend()) {
        throw Failure(
            ExitCode::target_not_reachable,
            fmt::format("no backup set of stanza {} ends before the target {}", stanza.name, request.target.text()),
            fmt::format("the nearest point is the end of {}: {}", candidates.front().label,
                        instant(candidates.front().stopped)));
    }
    return *newest;
}

PlannedWal plan_wal(const pgbackrest::Backup& backup, const RecoveryTarget& target,
                    const postgres::TimelineHistory& history, const std::set<std::string>& archived,
                    postgres::SegmentSize size) {
    struct Part {
        Timeline timeline;
        std::uint64_t first, last;  ///< segment numbers in which PostgreSQL looks for this timeline
    };
    const auto start = *Segment::parse(backup.archive_start, size);
    std::vector<Part> parts;
    std::uint64_t begin = 0;
    for (const auto& fork : history.forks) {
        const auto end = fork.at.value / size.bytes;
        parts.push_back({fork.parent, begin, end});
        begin = end;
    }
    parts.push_back({history.timeline, begin, UINT64_MAX});

    // PostgreSQL looks for a segment on the newest timeline that can have it first (XLogFileReadAnyTLI).
    const auto name_of = [&](std::uint64_t number, bool& there) {
        std::string first_choice;
        for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
            if (number >= part->first && number <= part->last) {
                const auto name = Segment{part->timeline, number}.name(size);
                if (archived.contains(name)) {
                    there = true;
                    return name;
                }
                first_choice = name;
            }
        }
        there = false;
        return first_choice;
    };

    std::uint64_t end = Segment::parse(backup.archive_stop, size).value_or(start).number;
    if (!target.is_immediate()) {
        for (const auto& part : parts) {
            // The newest archived segment of this timeline that is on the path.
            const auto limit = Segment{part.timeline, std::min<std::uint64_t>(part.last, 0xFFFFFFFFFFULL)}.name(size);
            auto found = archived.upper_bound(limit);
            if (found != archived.begin()) {
                const auto segment = Segment::parse(*--found, size);
                if (segment && segment->timeline == part.timeline && segment->number >= part.first) {
                    end = std::max(end, segment->number);
                }
            }
        }
        if (const auto* lsn = std::get_if<LsnTarget>(&target.point)) {
            end = std::min(end, std::max(start.number, lsn->lsn.value / size.bytes));
        }
    }

    PlannedWal wal;
    for (auto number = start.number; number <= end; ++number) {
        bool there = false;
        const auto name = name_of(number, there);
        if (!there) {
            wal.missing.push_back(name);
        }
        ++wal.segments;
        if (!wal.ranges.empty() && wal.ranges.back().last.substr(0, 8) == name.substr(0, 8)) {
            wal.ranges.back().last = name;
        } else {
            wal.ranges.push_back({name, name});
        }
    }
    return wal;
}

Plan make_plan(const Request& request, const RepositoryState& repository) {
    Plan plan;
    plan.backup = choose_backup(request, repository.stanza);
    plan.targets = repository.targets;
    plan.archive_end.archives = repository.archives;
    plan.archive_end.last_segments = repository.archive.last_segments;
    for (const auto& [timeline, history] : repository.archive.histories) {
        plan.archive_end.histories.insert(timeline);
    }
    plan.database = database_of(repository.stanza, plan.backup);
    plan.major_version = supported_major(plan.database);
    plan.segment_size = pgbackrest::segment_size_of(plan.backup).value_or(repository.stanza.segment_size);
    const auto choice =
        choose_timeline(request, plan.backup, starting_timeline(plan.backup), repository.archive, plan.segment_size);
    plan.history = choice.history;
    plan.newest_timeline = choice.newest;
    plan.explicit_timeline = request.timeline && !std::holds_alternative<Latest>(request.timeline->choice);
    plan.reason_for_timeline = choice.reason;
    plan.wal = plan_wal(plan.backup, request.target, plan.history, repository.archive.segments, plan.segment_size);
    if (plan.backup.in_error) {
        log::warning("backup set {} has pages with bad checksums", plan.backup.label);
    }
    refuse_gap(request, plan);
    refuse_target_behind_the_archive(request, plan);
    return plan;
}

void require_pgbackrest(const Request& request) {
    if (!process::find_executable(request.pgbackrest.program)) {
        throw Failure(ExitCode::preflight_refused,
                      fmt::format("the program '{}' was not found", request.pgbackrest.program),
                      "install pgBackRest 2.33 or later, or name its program with the option pgbackrest");
    }
}

RepositoryState read_repository(const Request& request) {
    RepositoryState state;
    state.stanza = pgbackrest::info(request.pgbackrest, request.repository, request.retry);
    require_whole_archive(request, state.stanza);
    const auto backup = choose_backup(request, state.stanza);
    const auto& database = database_of(state.stanza, backup);
    for (const auto& archive : state.stanza.archives) {
        const auto same = std::any_of(
            state.stanza.databases.begin(), state.stanza.databases.end(), [&](const pgbackrest::Database& candidate) {
                return candidate.id == archive.database_id && candidate.repository == archive.repository &&
                       candidate.system_identifier == database.system_identifier &&
                       candidate.version == database.version;
            });
        if (same) {
            state.archives.push_back(archive);
        }
    }
    pgbackrest::TargetsQuery targets(request.pgbackrest, backup);
    state.archive = pgbackrest::read_archive(request.pgbackrest, state.archives, backup.archive_start, request.retry);
    state.targets = targets.answer(request.retry);
    return state;
}

}  // namespace patroni_pgbackrest
