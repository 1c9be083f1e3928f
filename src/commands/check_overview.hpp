#pragma once

#include "system/finding.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace patroni_pgbackrest::commands {

/// What `check` prints besides the findings.
struct Overview {
    std::vector<std::pair<std::string, std::string>> facts;  ///< in words
    nlohmann::ordered_json settings = nlohmann::ordered_json::array();

    void add(const std::string& name, const std::string& value);
    void add_setting(const std::string& name, const std::string& value, const std::string& place);
};

/// For a person: settings and facts, a line each, then the findings.
std::string overview_text(const Overview& overview, const std::vector<Finding>& findings);
/// For a program: docs/check.schema.json.
std::string overview_json(const Overview& overview, const std::vector<Finding>& findings);

}  // namespace patroni_pgbackrest::commands
