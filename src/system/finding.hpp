#pragma once

#include "system/failure.hpp"

#include <string>

namespace patroni_pgbackrest {

enum class Severity {
    error,    ///< wrong data, no data, or hours lost: the work is refused
    warning,  ///< it works, but perhaps not as expected, or something should be looked at
};

/// One thing that a check or a verification found.
struct Finding {
    std::string id;  ///< of the table in checks/checks.hpp, which knows its severity
    Problem problem;

    bool operator==(const Finding&) const = default;
};

}  // namespace patroni_pgbackrest
