#pragma once

#include "system/log.hpp"

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

}  // namespace patroni_pgbackrest::pgbackrest
