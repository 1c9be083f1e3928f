#include "replay/guard_fetch.hpp"

#include "patroni/command_words.hpp"
#include "pgbackrest/error_meaning.hpp"
#include "replay/guard.hpp"
#include "replay/wal_fetch.hpp"
#include "system/file.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <system_error>
#include <variant>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::hours longest_fetch(1);
constexpr std::chrono::seconds grace_when_taken(2);

/// What a restore's own spool holds.
struct Spool {
    fs::path incoming;
    postgres::SegmentSize size;
    std::uint64_t queue;  ///< bytes that may lie there
};

bool is_asynchronous(const process::Command& command) {
    const auto& words = command.arguments;
    return std::find(words.begin(), words.end(), "--archive-async") != words.end();
}

std::optional<Spool> spool_of(const Ticket& ticket, const process::Command& command) {
    const auto path = patroni::option_in(command.arguments, "spool-path");
    const auto stanza = patroni::option_in(command.arguments, "stanza");
    const auto queue = system::number(patroni::option_in(command.arguments, "archive-get-queue-max").value_or(""));
    if (!path || !stanza || !queue || !ticket.segment_size || !is_asynchronous(command)) {
        return std::nullopt;
    }
    return Spool{fs::path(*path) / "archive" / *stanza / "in", *ticket.segment_size, *queue};
}

/// Where pg_wal lies on another file system archive-get copies it.
bool take(const Spool& spool, const std::string& wanted, const fs::path& destination) {
    std::error_code error;
    if (is_whole_in_spool(spool.incoming, wanted, spool.size)) {
        fs::rename(spool.incoming / wanted, destination, error);
        return !error;
    }
    return false;
}

/// It would wait for what is not there any more. Its process group only: the asynchronous process is a session of its
/// own, and goes on.
void end_waiting(process::Capturing& archive_get) {
    archive_get.signal(SIGTERM);
    const auto end_of_grace = Clock::now() + grace_when_taken;
    while (!archive_get.is_done()) {
        if (Clock::now() >= end_of_grace) {
            archive_get.signal(SIGKILL);
        }
    }
}

/// Behind this segment, which lies there as well.
bool is_half_full_behind_it(const Spool& spool) {
    const auto segments = segments_in_spool(spool.incoming);
    return segments > 0 && is_half_full(segments - 1, spool.size, spool.queue);
}

/// Another process would bring only what is not planned.
bool has_rest_of_plan(const Ticket& ticket, const Spool& spool, const std::string& wanted) {
    const auto after = [&](const std::string& segment) { return ticket.segment_after(segment, spool.size); };
    return ticket.plans(wanted) && has_rest_of_timeline(spool.incoming, wanted, after);
}

/// Whether another process would bring nothing but this file, or has not found it.
bool is_nothing_ahead(const Ticket& ticket, const Spool& spool, const std::string& wanted) {
    std::error_code error;
    const bool is_last = wanted == ticket.last_segment() || !ticket.plans(wanted);
    return (is_last && !fs::exists(spool.incoming / wanted, error)) || is_missing_in_archive(spool.incoming, wanted);
}

/// An archive-get that finds the segment ends at once, and has another asynchronous process started where the spool is
/// no more than half full: none is started where nothing is left to fetch. From 2.59 on it fetches by itself what
/// another process is at (archiveGetSingle in archive/get/get.c): a destination that it opens right behind the rename
/// is cut short.
process::Captured fetch_through(const Ticket& ticket, const Spool& spool, const process::Command& command,
                                const std::string& wanted, const fs::path& destination) {
    const process::Captured taken{process::Exited{0}, {}, {}};
    const bool is_enough = is_half_full_behind_it(spool) || has_rest_of_plan(ticket, spool, wanted);
    if (is_enough && take(spool, wanted, destination)) {
        return taken;
    }
    const bool finds_it = is_whole_in_spool(spool.incoming, wanted, spool.size);
    process::Capturing archive_get(command, longest_fetch, process::Capturing::Limits::standstill);
    while (!archive_get.is_done(between_looks_at_spool)) {
        if (!finds_it && take(spool, wanted, destination)) {
            end_waiting(archive_get);
            if (has_size_of_segment(destination, spool.size)) {
                return taken;
            }
            break;
        }
    }
    return archive_get.result();
}

}  // namespace

/// Before 2.59 asynchronous processes can get in each other's way: the one that holds the lock does not fetch the
/// segment, the one that would dies of the lock, and archive-get waits for it in vain (archive-timeout, 82). When they
/// do not find a segment, nobody is told which repository could not list its segments (archiveFileMissing in
/// archive/get/get.c, 2.33 to 2.60). And a spool or a lock path may be at fault that cannot be written to.
process::Captured fetch_for_guard(const Ticket& ticket, const process::Command& command, const std::string& wanted,
                                  const fs::path& destination) {
    constexpr int absent = 1, archive_timeout = 82;
    const bool is_segment = postgres::is_segment_name(wanted);  // history files are never fetched asynchronously
    const auto spool = is_segment ? spool_of(ticket, command) : std::nullopt;
    if (spool && is_nothing_ahead(ticket, *spool, wanted)) {
        return process::capture_while_it_works(synchronous(command), longest_fetch);
    }
    auto result = spool ? fetch_through(ticket, *spool, command, wanted, destination)
                        : process::capture_while_it_works(command, longest_fetch);
    if (process::succeeded(result.outcome)) {
        return result;
    }
    const auto* exited = std::get_if<process::Exited>(&result.outcome);
    const auto code = exited == nullptr ? 0 : exited->code;
    const bool is_ahead = is_segment && is_asynchronous(command);
    if (code != absent && (is_ahead || code == archive_timeout)) {
        log::info("{} was not delivered asynchronously ({}): fetched without that", wanted,
                  pgbackrest::what_happened(result.outcome));
    }
    if (is_ahead || code == archive_timeout || (code == absent && is_segment)) {
        result = process::capture_while_it_works(synchronous(command), longest_fetch);
    }
    return result;
}

process::Captured fetch_past_spool(const process::Command& command, const std::string& why,
                                   const fs::path& destination) {
    log::warning("{}: fetched again, past the spool", why);
    system::remove_file(destination);
    return process::capture_while_it_works(synchronous(command), longest_fetch);
}

}  // namespace patroni_pgbackrest
