#pragma once

#include "process/child.hpp"
#include "system/failure.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::pgbackrest {

/// What one of pgBackRest's exit codes (its error codes, build/error.yaml) means for us.
struct ErrorMeaning {
    int code;
    std::string_view name;  ///< pgBackRest's, `host-connect`
    bool may_pass;          ///< another try may succeed although nobody changed anything
    ExitCode exit_code;     ///< our exit code if it persists
    std::string_view hint;
};

/// All of them, by code (docs/pgbackrest-errors.md explains each decision).
const std::vector<ErrorMeaning>& error_table();

/// The entry of the table; an unknown code counts as permanent.
const ErrorMeaning& meaning_of_error(int code);

/// The meaning of an exit code together with its text. Some codes say too little on their own: 75 and 103 only
/// summarise what went wrong with each repository (`repo1: [HostConnectError] …`), a failed ssh ends with 125 too, and
/// 39 is both a broken connection and a refused request. If repositories failed for different reasons, a reason that
/// needs a person takes precedence over one that may pass, so that a wrong passphrase is never reported as an
/// unreachable repository; `may_pass` is then set if any of them may pass.
ErrorMeaning meaning_of_error(int code, std::string_view errors);

/// What archive-get warned of when it answered 1, "not in the archive": with several repositories that is the answer of
/// those that could be asked, and only when none could it is an error (archiveGetFind in archive/get/get.c, 2.33 to
/// 2.60). Empty when all could: one that holds another cluster's archive ([ArchiveMismatchError]) has answered.
std::optional<ErrorMeaning> meaning_of_absence(std::string_view errors);

/// The same for the status of one repository in `info`: `[HostConnectError] unable to …`.
ErrorMeaning meaning_of_status(std::string_view message);

/// Whether another try is worthwhile: the meaning may pass, there was no progress for too long, or a signal killed the
/// child (we end our own children only when we are ending ourselves).
bool may_pass(const process::Outcome& outcome, std::string_view errors = {});

/// `pgbackrest exited with code 49 (host-connect)`.
std::string what_happened(const process::Outcome& outcome);

/// What pgBackRest wrote at error level (and about single repositories, if the error only summarises) as one line:
/// printable, without secrets and hints, limited in length.
std::string error_text(std::string_view errors);

/// What pgBackRest wrote of its errors: stderr, or stdout where that alone has one. 2.60 tells there of an option that
/// it cannot use, since it does not know log-level-stderr yet.
std::string errors_of(const process::Captured& captured);

/// The failure of one pgBackRest command: its last `ERROR: [nnn]: …` lines in the message, and the hint for their
/// meaning. `what` is lower case: `restore of backup set 20261122-072841F`.
Failure failure_of(const std::string& what, const process::Outcome& outcome, const std::string& errors);

/// The failure of an archive-get that answered 1 while a repository could not be asked; empty when all could.
std::optional<Failure> failure_of_absence(const std::string& what, const std::string& errors);

}  // namespace patroni_pgbackrest::pgbackrest
