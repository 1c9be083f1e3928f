#pragma once

#include <string>
#include <string_view>

namespace patroni_pgbackrest::pgbackrest {

/// The text as valid UTF-8 without control characters (line feed and tab stay): each byte that is neither becomes `?`.
/// Decrypted with a wrong passphrase, a file of the repository is quoted byte by byte in pgBackRest's message, and
/// `info --output=json` passes those bytes on, which is then no JSON (seen with 2.33, 2.45 and 2.60).
std::string printable(std::string_view text);

/// The text with the values of `cipher-pass=`, `key-secret=`, `token=`, `password=` and the like replaced. pgBackRest
/// redacts what it knows to be secret; this is for what other programs make it quote (ssh, a service's answer).
std::string redacted(std::string_view text);

}  // namespace patroni_pgbackrest::pgbackrest
