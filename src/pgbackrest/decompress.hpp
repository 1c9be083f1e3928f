#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace patroni_pgbackrest::pgbackrest {

/// The content of a repository's file, by the ending of its name as pgBackRest gives it (compress-type): `.gz`, `.bz2`,
/// `.lz4`, `.zst`; any other is not compressed. repo-get decrypts a file, but does not decompress it. `most` is the
/// greatest possible length in bytes; of the content the first `kept` bytes are returned. Throws
/// Failure(pgbackrest_failed), lasting, with the name when any of the file is damaged, or it is cut short or longer
/// than that.
std::string decompress(std::string bytes, const std::string& name, std::size_t most, std::size_t kept);
std::string decompress(std::string bytes, const std::string& name, std::size_t most);

/// How a person decompresses what repo-get prints; empty when there is nothing to do.
std::string decompress_by_hand(std::string_view name);

}  // namespace patroni_pgbackrest::pgbackrest
