#pragma once

#include "postgres/control_data.hpp"
#include "process/child.hpp"
#include "replay/ticket.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace patroni_pgbackrest {

/// What PostgreSQL is told. It takes every exit code up to 125 for "the archive has no more" and aborts the recovery on
/// any code above (RestoreArchivedFile in xlogarchive.c), so that only 0, 1 and 200 are ever given.
struct GuardAnswer {
    enum class Kind { delivered, not_there, retry, abort } kind;
    ExitCode cause = ExitCode::done;  ///< of an abort: what bootstrap answers with
    std::string message{}, hint{};
    bool lasts = false;  ///< it would be the same until somebody changes something
    /// Of an abort: the recovery can go on from here when bootstrap has made them ready for tablespaces.
    std::vector<std::string> wanted_places{};
};

/// What the guard sees of the server that asks.
struct ReplayState {
    bool standby = false;  ///< standby.signal is there: Patroni restarted it
    ReplayNotes notes;
};

/// Whether the archive ends before a segment, whatever it has: one that an older timeline wrote after it was left, or,
/// for a restore that ends with its plan, any that came into the archive later.
bool is_past_the_end(const Ticket& ticket, const std::string& wanted);

/// Answers that need no look into the archive: refusals. Empty: ask pgbackrest.
std::optional<GuardAnswer> refuse_before_asking(const Ticket& ticket, const ReplayState& state,
                                                const std::string& wanted);

/// In patroni mode: `resume` has refused what was handed over before its recovery was over, and somebody starts it all
/// the same. Once the ticket is gone it may have led, and nobody asks.
std::optional<GuardAnswer> refuse_rejected_directory(const Ticket& ticket, const std::filesystem::path& data_directory);

/// A startup process that would replay again what must be replayed once: PostgreSQL was started again by somebody else.
std::optional<GuardAnswer> refuse_second_time(const Ticket& ticket, const std::optional<OnlyOnce>& once,
                                              const std::string& startup_process,
                                              const std::optional<postgres::ControlFile>& control);

/// The answer after one run of `pgbackrest archive-get`; `retry` for every error, and where a file is not in the
/// archive as far as a repository could not be asked.
GuardAnswer judge(const Ticket& ticket, const ReplayState& state, const std::string& wanted,
                  const process::Outcome& outcome, const std::string& errors);

/// What a delivered segment's first page shows to be wrong: another cluster's, or WAL of another place where the
/// replay goes on behind it. PostgreSQL would take it for the end of the archive. Empty when nothing is, and for what
/// it refuses by itself or does not know: another size, another version's page. `size` is the file's.
std::optional<GuardAnswer> refuse_other_wal(const Ticket& ticket, const std::string& wanted,
                                            std::string_view first_page, std::uint64_t size,
                                            const std::optional<postgres::ControlFile>& control);

/// A history of the planned timeline that tells another past than the one that was planned: pgBackRest lets a node that
/// took the same number replace it. Empty for any other file, and where the ticket does not know the past.
std::optional<GuardAnswer> refuse_other_past(const Ticket& ticket, const std::string& wanted, std::string_view text);

/// What is wrong with a file that was delivered to `file`: one of the two above, or that a segment cannot be read, or
/// in patroni mode that one which is needed is cut short.
std::optional<GuardAnswer> refuse_delivered(const Ticket& ticket, const std::string& wanted,
                                            const std::filesystem::path& file,
                                            const std::optional<postgres::ControlFile>& control);

/// Whether PostgreSQL 15 and later may ask for it without need: they read ahead (recovery_prefetch), and ask for
/// segments behind the target's. Without them a target that is not reached ends the recovery in an error all the same.
bool is_read_ahead(const Ticket& ticket, const std::string& wanted);

/// What the recovery is aborted with when there were enough tries: the answer, or that a disk is full, which lies
/// behind it then.
GuardAnswer or_full_disk(const GuardAnswer& answer, const std::filesystem::path& data_directory);

/// The same call of archive-get without archive-async.
process::Command synchronous(process::Command command);

/// The startup process among a process and those above it, as ReplayNotes have it. PostgreSQL starts restore_command
/// through a shell, which may stay between them. Throws Failure(system_refused) where descriptors or memory are missing
/// to look: another one would be told, of which nothing is noted.
std::string startup_process_from(pid_t ancestor);

/// Notes a file that PostgreSQL gets; false if that is nothing new.
bool note_delivery(const Ticket& ticket, const std::string& wanted, ReplayNotes& notes);
/// Notes why the recovery is aborted, and logs it, unless it only goes on with other places.
void tell_of_abort(const GuardAnswer& answer, ReplayNotes& notes);

}  // namespace patroni_pgbackrest
