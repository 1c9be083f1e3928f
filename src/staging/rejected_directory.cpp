#include "staging/rejected_directory.hpp"

#include "pgbackrest/archive_names.hpp"
#include "process/child.hpp"
#include "staging/old_wal.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/log.hpp"
#include "system/refusal.hpp"

#include <algorithm>
#include <string_view>
#include <system_error>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

/// The last segment of a timeline that archive_command has taken; empty when there is none.
std::string last_archived(const fs::path& archive_status, postgres::Timeline timeline, postgres::SegmentSize size) {
    constexpr std::string_view done = ".done";
    std::string last;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(archive_status, error)) {
        const auto mark = entry.path().filename().string();
        const auto name = mark.ends_with(done) ? mark.substr(0, mark.size() - done.size()) : std::string();
        const auto segment = postgres::Segment::parse(name, size);
        if (segment && segment->timeline == timeline) {
            last = std::max(last, name);
        }
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        throw system::refused("read the directory", archive_status, error.value());
    }
    return last;
}

}  // namespace

BegunHistories begun_histories(const fs::path& pg_wal, postgres::Timeline restored) {
    BegunHistories begun;
    for (const auto& [timeline, history] : histories_in(pg_wal)) {
        const auto has_mark = [&, file = timeline.history_file()](const char* mark) {
            return system::is_present(pg_wal / "archive_status" / (file + mark));
        };
        const bool is_archived = has_mark(".done");
        if (timeline <= restored || !(is_archived || has_mark(".ready"))) {
            continue;
        }
        begun.histories.emplace(timeline, history);
        if (!is_archived) {
            begun.unproven.insert(timeline);
        }
    }
    return begun;
}

std::string sha1_of(const fs::path& file) {
    constexpr std::size_t digits = 40;
    std::error_code error;
    if (!fs::is_regular_file(file, error)) {
        return {};
    }
    const auto result = process::capture({"sha1sum", {"--", file.string()}});
    process::require_resources("sha1sum", result.outcome);
    return process::succeeded(result.outcome) ? result.output.substr(0, digits) : std::string();
}

void note_rejected_directory(Journal& journal, const fs::path& data_directory) {
    journal.note_begun_timeline(data_directory);
    const auto pg_wal = data_directory / "pg_wal";
    if (!journal.goal || !fs::is_directory(pg_wal)) {
        return;
    }
    const auto begun = begun_histories(pg_wal, journal.goal->timeline);
    for (const auto& entry : begun.histories) {
        const auto last = last_archived(pg_wal / "archive_status", entry.first, journal.goal->segment_size);
        const auto checksum = last.empty() ? std::string() : sha1_of(pg_wal / last);
        // Without a segment of it nothing tells it from another node's timeline of that number.
        if (!checksum.empty()) {
            journal.rejected_timelines[entry.first] = checksum;
        }
    }
}

void forget_rejected_directory(Journal& journal, const fs::path& data_directory) {
    if (journal.goal) {
        for (const auto& entry : begun_histories(data_directory / "pg_wal", journal.goal->timeline).histories) {
            journal.rejected_timelines.erase(entry.first);
        }
    }
}

void mark_rejected_directory(const Journal& journal, const fs::path& data_directory) {
    try {
        journal.save(data_directory / rejection_mark);
    } catch (const Failure& failure) {
        log::warning("moved beneath another directory, {} will not be known as rejected: {}", data_directory.string(),
                     failure.what());
    }
}

pgbackrest::RejectedTimelines still_rejected(const std::optional<Journal>& earlier, const Plan& plan) {
    auto rejected = plan.rejected_timelines;
    if (earlier && earlier->system_identifier == plan.database.system_identifier) {
        for (const auto& entry : earlier->rejected_timelines) {
            if (!plan.archive_end.histories.contains(entry.first)) {
                rejected.insert(entry);
            }
        }
    }
    return rejected;
}

}  // namespace patroni_pgbackrest
