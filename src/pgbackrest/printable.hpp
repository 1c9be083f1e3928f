#pragma once

#include <string>
#include <string_view>

namespace patroni_pgbackrest::pgbackrest {

/// The text as valid UTF-8 without control characters (line feed and tab stay); every other byte becomes `?`. With a
/// wrong passphrase, pgBackRest quotes the decrypted garbage byte by byte in its message, and `info --output=json`
/// passes those bytes on, so that its output is not valid JSON (seen with 2.33, 2.45 and 2.60).
std::string printable(std::string_view text);

/// The text with the values of `cipher-pass=`, `key-secret=`, `token=`, `password=` and the like replaced. pgBackRest
/// redacts what it knows to be secret; this is for the words of other programs that it quotes (ssh, a service's
/// answer).
std::string redacted(std::string_view text);

}  // namespace patroni_pgbackrest::pgbackrest
