#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace patroni_pgbackrest {

/// How what PostgreSQL's words name looks on this machine, as a text to compare: whether a library is in `libraries`,
/// whether something listens on `port` where an address was in use, and of a quoted path what is there, or else how far
/// the way to it goes. Empty when nothing is named.
std::string named_state(const std::string& words, const std::filesystem::path& libraries, std::optional<unsigned> port);

}  // namespace patroni_pgbackrest
