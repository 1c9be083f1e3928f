#include "replay/archive_get.hpp"

#include "pgbackrest/error_meaning.hpp"
#include "pgbackrest/retry.hpp"
#include "postgres/control_data.hpp"
#include "process/child.hpp"
#include "replay/guard.hpp"
#include "replay/guard_fetch.hpp"
#include "replay/made_places.hpp"
#include "replay/ticket.hpp"
#include "replay/wal_source.hpp"
#include "system/file.hpp"
#include "system/log.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <unistd.h>
#include <variant>

namespace patroni_pgbackrest {

namespace {

constexpr std::chrono::hours longest_standstill(1);

ReplayState observe(const std::filesystem::path& data_directory) {
    ReplayState state;
    state.standby = std::filesystem::exists(data_directory / "standby.signal");
    const auto process = startup_process_from(getppid());
    if (const auto notes = ReplayNotes::in(data_directory); notes && notes->startup_process == process) {
        state.notes = *notes;
    }
    state.notes.startup_process = process;
    return state;
}

int abort_recovery(ReplayState& state, const GuardAnswer& answer) {
    tell_of_abort(answer, state.notes);
    state.notes.save(".");
    return static_cast<int>(ExitCode::abort_recovery);
}

/// pgBackRest flushes nothing that it writes into a spool: after a power cut a file of the right size may lie there
/// that ends in zeros, which is the end of the WAL to PostgreSQL. What was fetched for another server is not believed.
bool begins_replay(const Ticket& ticket, const ReplayState& state, const std::string& wanted) {
    return ticket.recovery == Recovery::patroni && !state.notes.served && postgres::is_segment_name(wanted);
}

/// The ticket's archive-get of a file. Of what was set aside it fetches nothing ahead: pgBackRest takes what it finds
/// in a spool out of it, removes there what it would not ask for next (queueNeed in archive/get/get.c), and fills it
/// with what this ticket's options say, and the spool is the next restore's by then.
process::Command fetch_command(const Ticket& ticket, bool is_in_its_place, const std::string& wanted,
                               const std::filesystem::path& destination) {
    auto command = is_in_its_place ? ticket.command() : synchronous(ticket.command());
    command.arguments.push_back(wanted);
    command.arguments.push_back(destination.string());
    return command;
}

int with_ticket(const Ticket& ticket, const std::optional<postgres::ControlFile>& control, const std::string& wanted,
                const std::string& destination) {
    if (is_past_the_end(ticket, wanted)) {
        return 1;
    }
    auto state = observe(".");
    if (const auto refusal = refuse_rejected_directory(ticket, std::filesystem::current_path())) {
        return abort_recovery(state, *refusal);
    }
    if (const auto refusal = refuse_before_asking(ticket, state, wanted)) {
        return abort_recovery(state, *refusal);
    }
    if (const auto refusal = refuse_second_time(ticket, OnlyOnce::in("."), state.notes.startup_process, control)) {
        return abort_recovery(state, *refusal);
    }
    const bool is_in_its_place = ticket.is_in_its_place();
    if (begins_replay(ticket, state, wanted) && is_in_its_place) {
        leave_spool(ticket);
    }
    const auto command = fetch_command(ticket, is_in_its_place, wanted, destination);
    pgbackrest::Retries retries(ticket.retry);
    while (true) {
        auto result = fetch_for_guard(ticket, command, wanted, destination);
        auto refused =
            process::succeeded(result.outcome) ? refuse_delivered(ticket, wanted, destination, control) : std::nullopt;
        if (refused) {
            result = fetch_past_spool(command, refused->message, destination);
            refused = refuse_delivered(ticket, wanted, destination, control);
        }
        auto answer = judge(ticket, state, wanted, result.outcome, pgbackrest::errors_of(result));
        switch (answer.kind) {
        case GuardAnswer::Kind::delivered:
            if (const auto refusal =
                    refused ? refused : prepare_places(ticket, ".", wanted, destination, state.notes.startup_process)) {
                system::remove_file(destination);
                if (is_read_ahead(ticket, wanted)) {
                    return 1;
                }
                return abort_recovery(state, *refusal);
            }
            if (note_delivery(ticket, wanted, state.notes)) {
                state.notes.save(".");
            }
            return 0;
        case GuardAnswer::Kind::not_there:
            return 1;
        case GuardAnswer::Kind::abort:
            return abort_recovery(state, answer);
        case GuardAnswer::Kind::retry:
            if (!retries.another(answer.message)) {
                return abort_recovery(state, or_full_disk(answer, std::filesystem::current_path()));
            }
        }
    }
}

int without_ticket(const pgbackrest::Pgbackrest& pgbackrest, const std::string& wanted,
                   const std::string& destination) {
    const auto command = pgbackrest.command("archive-get", {{"log-level-stderr", "warn"}}, {wanted, destination});
    const auto result = process::capture_while_it_works(command, longest_standstill);
    const auto* exited = std::get_if<process::Exited>(&result.outcome);
    if (exited != nullptr && exited->code <= 1) {
        return exited->code;
    }
    const auto failure =
        pgbackrest::failure_of("archive-get of " + wanted, result.outcome, pgbackrest::errors_of(result));
    log::write(failure.problems().front());
    if (std::filesystem::exists("standby.signal") && exited != nullptr) {
        return exited->code;
    }
    return static_cast<int>(ExitCode::abort_recovery);
}

}  // namespace

int archive_get(const pgbackrest::Pgbackrest& pgbackrest, const std::string& wanted, const std::string& destination) {
    const auto ticket = Ticket::in(".");
    // A finished recovery has left the plan's timeline: the ticket is a leftover that recovery-end could not remove.
    const auto control = postgres::read_control_file(".");
    if (!ticket || (control && control->timeline > ticket->timeline)) {
        return without_ticket(pgbackrest, wanted, destination);
    }
    return with_ticket(*ticket, control, wanted, destination);
}

}  // namespace patroni_pgbackrest
