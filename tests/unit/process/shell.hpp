#pragma once

#include "process/child.hpp"
#include "support/catch.hpp"

#include <string>
#include <vector>

namespace patroni_pgbackrest::process {

using Names = std::vector<std::string>;

inline Command shell(const std::string& script) {
    return {"sh", {"-c", script}};
}

inline std::string outcome_of(const Command& command) {
    return describe(capture(command).outcome);
}

inline Names lines_of(const Command& command) {
    Names all;
    CHECK(succeeded(run(command, [&](std::string_view line) { all.emplace_back(line); }, {})));
    return all;
}

}  // namespace patroni_pgbackrest::process
