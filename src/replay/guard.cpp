#include "replay/guard.hpp"

#include "pgbackrest/error_meaning.hpp"
#include "postgres/control_data.hpp"
#include "postgres/wal_page.hpp"
#include "replay/made_places.hpp"
#include "replay/settings.hpp"
#include "staging/lost_bootstrap.hpp"
#include "staging/rejected_directory.hpp"
#include "system/file.hpp"
#include "system/log.hpp"
#include "system/process_facts.hpp"
#include "system/text.hpp"

#include <cstdint>
#include <filesystem>
#include <fmt/format.h>

namespace patroni_pgbackrest {

namespace {

using Kind = GuardAnswer::Kind;

constexpr const char* begin_anew =
    "stop Patroni on every node, move the data directory away, run patronictl remove for the scope and start Patroni "
    "again: it calls the bootstrap method anew";

std::optional<postgres::Timeline> history_timeline(const std::string& wanted) {
    if (!postgres::is_history_name(wanted)) {
        return std::nullopt;
    }
    return postgres::Timeline{static_cast<std::uint32_t>(system::number(wanted.substr(0, 8), 16).value_or(0))};
}

/// In patroni mode recovery_target_timeline may be latest: PostgreSQL follows the newest timeline that it is given a
/// history of before the replay. Behind the replay the same question looks for a number that is free. As a standby, for
/// which Patroni always says latest, it asks again whenever it has no more WAL, and follows what it is given
/// (rescanLatestTimeLine in xlogrecovery.c, xlog.c until 14).
bool begins_another_branch(const Ticket& ticket, const ReplayState& state, const std::string& wanted) {
    const auto history = history_timeline(wanted);
    return history && *history > ticket.timeline && ticket.recovery == Recovery::patroni && ticket.newest_timeline &&
           !ticket.explicit_timeline && (!state.notes.served || state.standby);
}

GuardAnswer other_wal(const std::string& wanted, const std::string& what) {
    return {Kind::abort, ExitCode::pgbackrest_failed,
            fmt::format("the WAL segment that was delivered as {} is {}", wanted, what),
            "look for who wrote it into the archive, and bring an intact copy of this cluster's back, or "
            "restore to a point before it with type lsn",
            true};
}

/// Patroni starts a server again as a standby, which takes a short file for one that is still being written
/// (RestoreArchivedFile in xlogarchive.c), does without it, and can be promoted.
std::optional<GuardAnswer> refuse_cut_wal(const Ticket& ticket, const std::string& wanted, std::uint64_t size) {
    if (ticket.recovery != Recovery::patroni || !ticket.segment_size || size >= ticket.segment_size->bytes ||
        !ticket.needs(wanted, *ticket.segment_size)) {
        return std::nullopt;
    }
    return other_wal(wanted, fmt::format("cut short: it has {} bytes instead of {}", size, ticket.segment_size->bytes));
}

}  // namespace

std::string startup_process_from(pid_t ancestor) {
    const auto nearest = system::status_or_throw(ancestor);
    for (auto process = nearest; process; process = system::status_or_throw(process->parent)) {
        const auto arguments = system::arguments_or_throw(process->pid);
        if (!arguments.empty() && arguments.front().find("startup") != std::string::npos) {
            return fmt::format("{} {}", process->pid, process->start_time);
        }
    }
    return fmt::format("{} {}", ancestor, nearest && !nearest->is_zombie() ? nearest->start_time : 0);
}

/// pgBackRest accepts spool-path only beside archive-async, and no option twice.
process::Command synchronous(process::Command command) {
    constexpr std::string_view option = "--no-archive-async";
    std::erase_if(command.arguments, [&](const std::string& argument) {
        return argument == "--archive-async" || argument == option || argument.starts_with("--spool-path=");
    });
    command.arguments.insert(command.arguments.begin(), std::string(option));
    return command;
}

bool is_read_ahead(const Ticket& ticket, const std::string& wanted) {
    return !ticket.latest && postgres::is_segment_name(wanted) && !ticket.plans(wanted);
}

/// pgBackRest's asynchronous process cannot even write down that it has no room: all it leaves is a time-out.
GuardAnswer or_full_disk(const GuardAnswer& answer, const std::filesystem::path& data_directory) {
    constexpr unsigned long long two_segments = 32ULL << 20;
    const auto place = fullest_place(data_directory);
    if (answer.cause == ExitCode::target_not_reachable || system::free_bytes(place) >= two_segments) {
        return answer;
    }
    return {Kind::abort, ExitCode::system_refused,
            fmt::format("the disk of {} is full: {}", place.string(), answer.message),
            "make room there, then run it again: it continues where it stopped"};
}

std::optional<GuardAnswer> refuse_delivered(const Ticket& ticket, const std::string& wanted,
                                            const std::filesystem::path& file,
                                            const std::optional<postgres::ControlFile>& control) {
    if (postgres::is_history_name(wanted)) {
        return refuse_other_past(ticket, wanted, system::read_file_if_present(file).value_or(""));
    }
    constexpr auto length = postgres::WalPage::long_header_size;
    try {
        const auto head = system::read_head_if_present(file, length);
        if (!head) {
            return std::nullopt;  // PostgreSQL looks for the file
        }
        if (auto refusal = refuse_cut_wal(ticket, wanted, head->file_size)) {
            return refusal;
        }
        if (head->bytes.size() < length) {
            return std::nullopt;  // PostgreSQL looks at its size
        }
        return refuse_other_wal(ticket, wanted, head->bytes, head->file_size, control);
    } catch (const Failure& failure) {
        const auto& problem = failure.problems().front();
        return GuardAnswer{Kind::abort, ExitCode::system_refused, problem.message, problem.hint};
    }
}

/// Where a timeline was left, its own later segments may lie in the archive as well. PostgreSQL would read on in them
/// when the newer timeline has none (XLogFileReadAnyTLI looks at a timeline's beginning, not at its end).
bool is_past_the_end(const Ticket& ticket, const std::string& wanted) {
    if (!postgres::is_segment_name(wanted) || ticket.plans(wanted)) {
        return false;
    }
    return ticket.stop.ends_with_plan || system::number(wanted.substr(0, 8), 16).value_or(0) < ticket.timeline.number;
}

std::optional<GuardAnswer> refuse_before_asking(const Ticket& ticket, const ReplayState& state,
                                                const std::string& wanted) {
    if (state.standby && !ticket.survives_restart_as_standby()) {
        return GuardAnswer{
            Kind::abort, ExitCode::replay_failed,
            fmt::format("the recovery of {} to {} (timeline {}) was interrupted, and Patroni restarted it as a standby "
                        "without its target: refused, since it would be promoted with other data than asked for",
                        ticket.scope, ticket.target, ticket.timeline.text()),
            begin_anew};
    }
    // PostgreSQL looks for a timeline newer than the one it follows before the first segment and after the replay has
    // ended (findNewestTimeLine). In between nothing but a damaged record ends a replay without a target. That it reads
    // the histories up to the followed timeline again after the first segment is normal.
    const auto history = history_timeline(wanted);
    const bool looks_for_newer = history && *history > ticket.timeline;
    if (ticket.latest && looks_for_newer && state.notes.served && !state.notes.served_last) {
        return GuardAnswer{
            Kind::abort, ExitCode::replay_failed,
            fmt::format("the replay ended before the last planned WAL segment {}: a WAL record before it "
                        "is damaged",
                        ticket.last_segment()),
            "look at PostgreSQL's line about the record above; restore to a point before it with type lsn", true};
    }
    return std::nullopt;
}

std::optional<GuardAnswer> refuse_rejected_directory(const Ticket& ticket,
                                                     const std::filesystem::path& data_directory) {
    const auto mark = data_directory / rejection_mark;
    const auto marked = ticket.recovery == Recovery::patroni ? read_journal_or_warn(mark) : std::nullopt;
    if (!marked || !marked->refuses(data_directory)) {
        return std::nullopt;
    }
    const auto problem = refusal_of_rejected(data_directory, mark, *marked).problems().front();
    return GuardAnswer{Kind::abort, ExitCode::unsafe, problem.message, problem.hint};
}

std::optional<GuardAnswer> refuse_second_time(const Ticket& ticket, const std::optional<OnlyOnce>& once,
                                              const std::string& startup_process,
                                              const std::optional<postgres::ControlFile>& control) {
    if (!once || !control || once->startup_process == startup_process || !once->is_behind(control->redo)) {
        return std::nullopt;
    }
    return GuardAnswer{
        Kind::abort, ExitCode::replay_failed,
        fmt::format("the recovery of {} to {} was interrupted behind {}, where a database is copied file by file or a "
                    "tablespace is dropped: that gives something else the second time",
                    ticket.scope, ticket.target, once->at.text()),
        begin_anew};
}

std::optional<GuardAnswer> refuse_other_wal(const Ticket& ticket, const std::string& wanted,
                                            std::string_view first_page, std::uint64_t size,
                                            const std::optional<postgres::ControlFile>& control) {
    const postgres::SegmentSize segment_size{size};
    const auto page = postgres::WalPage::read(first_page);
    const auto segment = segment_size.is_possible() ? postgres::Segment::parse(wanted, segment_size) : std::nullopt;
    const bool is_empty = !first_page.empty() && first_page.find_first_not_of('\0') == std::string_view::npos;
    if (!segment || (!page && !is_empty)) {
        return std::nullopt;
    }
    std::string what;
    if (is_empty) {
        // As a power cut leaves a file that was not flushed. PostgreSQL takes it for the end of the WAL.
        if (!ticket.needs(wanted, segment_size)) {
            return std::nullopt;
        }
        what = "no WAL: it begins with zeros";
    } else if (page->file && control && page->file->system_identifier != control->system_identifier) {
        what = fmt::format("of another cluster: its system identifier is {}, and this cluster's is {}",
                           page->file->system_identifier, control->system_identifier);
    } else if (ticket.needs(wanted, segment_size) && page->address != segment->start(segment_size)) {
        what = fmt::format("the WAL of another place: it begins at {} instead of {}", page->address.text(),
                           segment->start(segment_size).text());
    } else {
        return std::nullopt;
    }
    return other_wal(wanted, what);
}

std::optional<GuardAnswer> refuse_other_past(const Ticket& ticket, const std::string& wanted, std::string_view text) {
    if (history_timeline(wanted) != ticket.timeline || ticket.past.empty()) {
        return std::nullopt;
    }
    std::string delivered;
    try {
        delivered = postgres::TimelineHistory::parse(ticket.timeline, text).as_it_happened().text();
    } catch (const Failure& failure) {
        delivered = failure.what();
    }
    if (delivered == ticket.past) {
        return std::nullopt;
    }
    return GuardAnswer{Kind::abort, ExitCode::target_not_reachable,
                       fmt::format("{} is not the one that the restore was planned with: it says {}, and the plan {}",
                                   wanted, delivered, ticket.past),
                       "find out who else writes that timeline; the next run plans anew", false};
}

GuardAnswer judge(const Ticket& ticket, const ReplayState& state, const std::string& wanted,
                  const process::Outcome& outcome, const std::string& errors) {
    if (process::succeeded(outcome)) {
        if (begins_another_branch(ticket, state, wanted)) {
            return {
                Kind::abort, ExitCode::target_not_reachable,
                fmt::format("{} came into the archive after the restore was planned, and PostgreSQL would follow it "
                            "instead of timeline {}",
                            wanted, ticket.timeline.text()),
                state.standby ? fmt::format("find out who writes that timeline; then {}", begin_anew)
                              : "find out who writes that timeline; the next run plans anew",
                false};
        }
        return {Kind::delivered};
    }
    const auto* exited = std::get_if<process::Exited>(&outcome);
    const bool not_found = exited != nullptr && exited->code == 1;
    const auto what = "archive-get of " + wanted;
    const auto unasked = not_found ? pgbackrest::failure_of_absence(what, errors) : std::nullopt;
    if (not_found && !unasked) {
        const auto history = history_timeline(wanted);
        if (!ticket.plans(wanted) && !(history && ticket.needs_history(*history))) {
            return {Kind::not_there};
        }
        return {Kind::retry, ExitCode::target_not_reachable,
                fmt::format("{} was in the archive when the restore was planned, and is missing now", wanted),
                "bring it back, or restore to a point before it", true};
    }
    const auto failure = unasked ? *unasked : pgbackrest::failure_of(what, outcome, errors);
    const auto& problem = failure.problems().front();
    if ((not_found || failure.is_lasting()) && is_read_ahead(ticket, wanted)) {
        log::warning("{}: not needed for {}", problem.message, ticket.target);
        return {Kind::not_there};
    }
    return {Kind::retry, failure.code(), problem.message, problem.hint, failure.is_lasting()};
}

/// A server that was started again may have its restartpoint in WAL that came into the archive after the plan, and ask
/// for nothing that was planned.
bool note_delivery(const Ticket& ticket, const std::string& wanted, ReplayNotes& notes) {
    const bool is_last = !ticket.wal.empty() && wanted >= ticket.last_segment();
    if (!postgres::is_segment_name(wanted) || (notes.served && (notes.served_last || !is_last))) {
        return false;
    }
    notes.served = true;
    notes.served_last = notes.served_last || is_last;
    return true;
}

void tell_of_abort(const GuardAnswer& answer, ReplayNotes& notes) {
    if (answer.wanted_places.empty()) {
        log::write(Problem{answer.message, answer.hint});
    }
    notes.aborted_with = static_cast<int>(answer.cause);
    notes.abort_message = answer.message;
    notes.abort_hint = answer.hint;
    notes.abort_lasts = answer.lasts;
    notes.wanted_places = answer.wanted_places;
}

}  // namespace patroni_pgbackrest
