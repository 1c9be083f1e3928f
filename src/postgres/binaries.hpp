#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace patroni_pgbackrest::postgres {

inline constexpr int oldest_supported_major = 13;
inline constexpr int newest_supported_major = 18;

/// The PG_VERSION file of a data directory, `15` → 15. Throws Failure(verification_failed) if it is missing or
/// malformed.
int major_version(const std::filesystem::path& data_directory);

/// The directory with postgres and pg_controldata of that major version: `configured` (postgresql.bin_dir of
/// patroni.yml) if given, else the places of distributions (/usr/lib/postgresql/N/bin, /usr/pgsql-N/bin,
/// /usr/local/pgsql/bin, /opt/…), else PATH. The binary itself is asked for its version. Throws
/// Failure(preflight_refused) that names what was looked for and what was found (another major version, a missing
/// binary).
std::filesystem::path find_binaries(int major, const std::optional<std::filesystem::path>& configured);

/// The directory that PostgreSQL calls $libdir, where its programs lie in `…/bin`, as distributions have it.
std::filesystem::path library_directory(const std::filesystem::path& binaries);
/// Whether a library of shared_preload_libraries is there: PostgreSQL looks for `name` and `name.so`, `$libdir/` before
/// it or not (expand_dynamic_library_name in dfmgr.c).
bool has_library(const std::filesystem::path& directory, std::string_view name);

}  // namespace patroni_pgbackrest::postgres
