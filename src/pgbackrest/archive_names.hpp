#pragma once

#include "postgres/wal.hpp"

#include <cstddef>
#include <string>

namespace patroni_pgbackrest::pgbackrest {

inline constexpr std::size_t timeline_digits = 8;
inline constexpr std::size_t directory_digits = 16;
inline constexpr std::size_t segment_digits = 24;

/// `0000000100000000`, the directory of an archive id that holds 256 segments (of 16 MB).
bool is_directory_name(const std::string& name);

/// `000000010000000000000001-25846c51366d46035ad434d0252006e8137fb775.gz`; not `….partial-…`, not `….backup`.
bool is_segment_file(const std::string& name);
/// `000000010000000000000001.partial-25846c51366d46035ad434d0252006e8137fb775.gz`
bool is_partial_file(const std::string& name);

/// The timeline in the name of a segment, a directory or a history file.
postgres::Timeline timeline_of(const std::string& name);

}  // namespace patroni_pgbackrest::pgbackrest
