#pragma once

#include <cstdint>
#include <string_view>

namespace patroni_pgbackrest::postgres {

/// CRC-32C (Castagnoli), which PostgreSQL puts into its WAL records and pg_control. `before` is the sum of the bytes
/// before these.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);
/// The same on a processor that has no instruction for it.
std::uint32_t crc32c_by_tables(std::string_view bytes, std::uint32_t before = 0);

}  // namespace patroni_pgbackrest::postgres
