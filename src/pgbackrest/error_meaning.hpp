#pragma once

#include "process/child.hpp"
#include "system/failure.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::pgbackrest {

/// What one of pgBackRest's exit codes (its error codes, build/error.yaml) means for us.
struct ErrorMeaning {
    int code;
    std::string_view name;  ///< pgBackRest's, `host-connect`
    bool may_pass;          ///< another try may succeed without anybody changing anything
    ExitCode exit_code;     ///< what our program answers with when it stays
    std::string_view hint;
};

/// All of them, by code (each decision documented in docs/pgbackrest-errors.md).
const std::vector<ErrorMeaning>& error_table();

/// The entry of the table; an unknown code is taken as permanent.
const ErrorMeaning& meaning_of_error(int code);

/// The meaning of an exit code together with what was written beside it. Some codes say too little alone: 75 and 103
/// sum up what befell each repository (`repo1: [HostConnectError] …`), 125 is also what a failed ssh ends with, 39 is
/// both a broken connection and a refused request. Where repositories failed for different reasons, a reason that
/// needs a person comes before one that may pass, so that a wrong passphrase is never reported as an unreachable
/// repository; `may_pass` is then set if any of them may pass.
ErrorMeaning meaning_of_error(int code, std::string_view errors);

/// The same for the status of one repository in `info`: `[HostConnectError] unable to …`.
ErrorMeaning meaning_of_status(std::string_view message);

/// Whether another try is worth it: a meaning that may pass, no progress for too long, or a child killed by a signal
/// (we end our own children only when we are ending ourselves).
bool may_pass(const process::Outcome& outcome, std::string_view errors = {});

/// `pgbackrest exited with code 49 (host-connect)`.
std::string what_happened(const process::Outcome& outcome);

/// What pgBackRest wrote at the level of errors (and what it said of single repositories where the error only sums
/// up) as one line, printable, without secrets, hints left out, bounded in length.
std::string error_text(std::string_view errors);

/// The failure of one pgBackRest command: its last `ERROR: [nnn]: …` lines in the message, the hint of their meaning.
/// `what` is lower case: `restore of backup set 20261122-072841F`.
Failure failure_of(const std::string& what, const process::Outcome& outcome, const std::string& errors);

}  // namespace patroni_pgbackrest::pgbackrest
