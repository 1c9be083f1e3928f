#pragma once

#include <cstdint>
#include <string>

namespace patroni_pgbackrest {

/// The beginning of a pg_control of PostgreSQL 13 to 16, written at the very beginning of time.
inline std::string control_file(const std::string& system_identifier) {
    const std::uint64_t identifier = std::stoull(system_identifier);
    const std::uint32_t version = 1300;
    return std::string(reinterpret_cast<const char*>(&identifier), sizeof identifier) +
           std::string(reinterpret_cast<const char*>(&version), sizeof version) + std::string(60, '\0');
}

}  // namespace patroni_pgbackrest
