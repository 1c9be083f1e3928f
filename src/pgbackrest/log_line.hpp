#pragma once

#include "system/log.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace patroni_pgbackrest::pgbackrest {

/// One line of pgBackRest's console output (`--log-timestamp=n`): `P00   INFO: restore file …`.
struct LogLine {
    log::Level level = log::Level::info;
    std::string text;        ///< without process number and level
    bool continued = false;  ///< belongs to the line before (a HINT, a second line)
};
LogLine parse_log_line(std::string_view line);

/// How much of the backup is in place with this file, the bytes of all files being 100: `P01 DETAIL: restore file …
/// (8KB, 45.67%) checksum …`. What --delta keeps counts as well. Empty for any other line. 2.33 to 2.39 tell whole
/// numbers only. From 2.56 on the lock file has it as well, in steps of 10 (restoreJobResult in restore.c).
std::optional<double> percent_of_restored_file(std::string_view line);

}  // namespace patroni_pgbackrest::pgbackrest
