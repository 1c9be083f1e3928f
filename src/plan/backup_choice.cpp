#include "plan/backup_choice.hpp"

#include "plan/timeline_choice.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace patroni_pgbackrest {

namespace {

using Backups = std::vector<pgbackrest::Backup>;

constexpr std::size_t most_to_name = 8;

std::string labels_of(const Backups& backups) {
    std::vector<std::string> labels;
    for (const auto& backup : backups) {
        labels.push_back(backup.label);
    }
    if (labels.size() > most_to_name) {
        labels.erase(labels.begin(), labels.end() - most_to_name);
        labels.insert(labels.begin(), "…");
    }
    return system::join(labels, ", ");
}

Backups backups_in(const pgbackrest::Stanza& stanza, std::optional<unsigned> repository) {
    Backups backups;
    for (const auto& backup : stanza.backups) {
        if (!repository || backup.repository == *repository) {
            backups.push_back(backup);
        }
    }
    return backups;
}

/// Whether the replay from this backup can reach the target, seen from the backup's end alone.
bool ends_before(const pgbackrest::Backup& backup, const RecoveryTarget& target, postgres::SegmentSize size) {
    if (const auto* time = std::get_if<Time>(&target.point)) {
        return std::chrono::sys_seconds(std::chrono::seconds(reachable_from(backup))) <= time->at;
    }
    if (const auto* lsn = std::get_if<LsnTarget>(&target.point)) {
        if (backup.lsn_stop) {
            return *backup.lsn_stop <= lsn->lsn;
        }
        // pgBackRest before 2.36 tells no LSN: its last segment must lie before the target as a whole.
        const auto last = postgres::Segment::parse(backup.archive_stop, size);
        return last && last->end(size) <= lsn->lsn;
    }
    return true;
}

pgbackrest::Backup named_backup(const std::string& label, const Backups& backups, const Request& request,
                                const pgbackrest::Stanza& stanza) {
    const auto backup =
        std::find_if(backups.begin(), backups.end(), [&](const auto& candidate) { return candidate.label == label; });
    if (backup == backups.end()) {
        throw Failure(ExitCode::target_not_reachable,
                      fmt::format("backup set {} does not exist in stanza {}", label, stanza.name),
                      "there are: " + labels_of(backups));
    }
    starting_timeline(*backup);  // an offline one has none
    if (!ends_before(*backup, request.target, stanza.segment_size)) {
        throw Failure(ExitCode::target_not_reachable,
                      fmt::format("backup set {} ends at {}{}, after the target {}", label, instant(backup->stopped),
                                  backup->lsn_stop ? ", LSN " + backup->lsn_stop->text() : "", request.target.text()),
                      "choose an older backup set, or leave set out");
    }
    return *backup;
}

void refuse_no_backup(const Request& request, const pgbackrest::Stanza& stanza) {
    const auto* timeline = request.timeline ? std::get_if<postgres::Timeline>(&request.timeline->choice) : nullptr;
    throw Failure(ExitCode::target_not_reachable,
                  fmt::format("stanza {} has no backup{}{}", stanza.name,
                              request.repository ? fmt::format(" in repository {}", *request.repository) : "",
                              timeline != nullptr ? fmt::format(" on the way to timeline {}", timeline->text()) : ""),
                  "run pgbackrest info to see what there is");
}

/// Where a transaction or a restore point lies is in the WAL alone: find_backup_before_target() looks there first.
void refuse_to_guess(const Request& request, const Backups& candidates) {
    const auto& point = request.target.point;
    const bool is_known = !std::holds_alternative<Xid>(point) && !std::holds_alternative<Name>(point);
    if (is_known || candidates.size() < 2) {
        return;
    }
    std::vector<std::string> ends;
    for (auto backup = candidates.rbegin(); backup != candidates.rend() && ends.size() < most_to_name; ++backup) {
        ends.push_back(fmt::format("{} (ended at {})", backup->label, instant(backup->stopped)));
    }
    throw Failure(
        ExitCode::usage,
        fmt::format("the target {} may lie before or after the end of each of {} backup sets", request.target.text(),
                    candidates.size()),
        fmt::format("name with set the newest one that had ended before it; an older one takes longer, and is right as "
                    "well: {}{}",
                    system::join(ends, ", "), candidates.size() > most_to_name ? ", …" : ""));
}

/// A time before an upgrade is in the old cluster, which only its name brings back.
std::string before_the_upgrade(const RecoveryTarget& target, const std::vector<Cluster>& others) {
    const auto* time = std::get_if<Time>(&target.point);
    for (const auto& other : others) {
        if (time != nullptr && !other.backups.empty() &&
            std::chrono::sys_seconds(std::chrono::seconds(reachable_from(other.backups.front()))) <= time->at) {
            return fmt::format("; before it was upgraded the stanza held {}: name it with system-identifier",
                               other.text());
        }
    }
    return {};
}

pgbackrest::Backup newest_before_target(const Backups& candidates, const Request& request,
                                        const pgbackrest::Stanza& stanza, const std::vector<Cluster>& others) {
    const auto newest = std::find_if(candidates.rbegin(), candidates.rend(), [&](const auto& backup) {
        return ends_before(backup, request.target, stanza.segment_size);
    });
    if (newest == candidates.rend()) {
        throw Failure(
            ExitCode::target_not_reachable,
            fmt::format("no backup set of stanza {} ends before the target {}", stanza.name, request.target.text()),
            fmt::format("the nearest point is the end of {}: {}", candidates.front().label,
                        instant(reachable_from(candidates.front()))) +
                before_the_upgrade(request.target, others));
    }
    return *newest;
}

}  // namespace

pgbackrest::Backup choose_backup(const Request& request, const pgbackrest::Stanza& stanza,
                                 const std::vector<Cluster>& others) {
    if (request.backup_set) {
        return named_backup(*request.backup_set, backups_in(stanza, request.repository), request, stanza);
    }
    const auto candidates = candidates_for(request, stanza);
    if (candidates.empty()) {
        refuse_no_backup(request, stanza);
    }
    refuse_to_guess(request, candidates);
    return newest_before_target(candidates, request, stanza, others);
}

std::vector<pgbackrest::Backup> candidates_for(const Request& request, const pgbackrest::Stanza& stanza) {
    auto candidates = backups_in(stanza, request.repository);
    std::erase_if(candidates, [&](const auto& backup) {
        return backup.archive_start.empty() || !may_start_on(backup, request.timeline);
    });
    return candidates;
}

std::vector<pgbackrest::Backup> sets_on_rejected(const Request& request, std::vector<pgbackrest::Backup> candidates,
                                                 const pgbackrest::RejectedTimelines& rejected) {
    const bool is_named = request.backup_set ||
                          (request.timeline && std::holds_alternative<postgres::Timeline>(request.timeline->choice));
    std::erase_if(candidates,
                  [&](const auto& backup) { return is_named || !rejected.contains(starting_timeline(backup)); });
    return candidates;
}

pgbackrest::Backup choose_instead_of(const pgbackrest::Backup& passed_over, const Request& request,
                                     const pgbackrest::Stanza& stanza, const std::vector<Cluster>& others) {
    try {
        return choose_backup(request, stanza, others);
    } catch (const Failure& failure) {
        if (failure.code() != ExitCode::target_not_reachable) {
            throw;
        }
        throw Failure(failure.code(),
                      fmt::format("{}, but for {}, which was made on timeline {}: that was begun by a restore that "
                                  "Patroni gave up",
                                  failure.what(), passed_over.label, starting_timeline(passed_over).text()),
                      fmt::format("if what is in that set is meant, say set: {}; else {}", passed_over.label,
                                  failure.problems().front().hint));
    }
}

std::int64_t reachable_from(const pgbackrest::Backup& backup) {
    return backup.stopped + 1;
}

}  // namespace patroni_pgbackrest
