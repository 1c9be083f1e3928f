#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace patroni_pgbackrest {

/// The beginning of a pg_control of PostgreSQL 13 to 16, written at the very beginning of time.
inline std::string control_file(const std::string& system_identifier) {
    const std::uint64_t identifier = std::stoull(system_identifier);
    const std::uint32_t version = 1300;
    return std::string(reinterpret_cast<const char*>(&identifier), sizeof identifier) +
           std::string(reinterpret_cast<const char*>(&version), sizeof version) + std::string(60, '\0');
}

/// The first page of a WAL segment file of PostgreSQL 15, and nothing behind it.
inline std::string first_wal_page(const std::string& system_identifier, std::uint32_t timeline, std::uint64_t number,
                                  std::uint32_t segment_bytes = 16U << 20) {
    std::string bytes(8192, '\0');
    const auto put = [&](std::size_t at, auto value) { std::memcpy(bytes.data() + at, &value, sizeof value); };
    put(0, std::uint16_t{0xD110});
    put(2, std::uint16_t{2});
    put(4, timeline);
    put(8, std::uint64_t{number * segment_bytes});
    put(24, std::uint64_t{std::stoull(system_identifier)});
    put(32, segment_bytes);
    put(36, std::uint32_t{8192});
    return bytes;
}

}  // namespace patroni_pgbackrest
