#pragma once

#include "system/finding.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest {

/// One thing that `check` or `verify` looks for.
struct CheckDefinition {
    std::string_view id;  ///< `method-block-missing`
    Severity severity;
    std::string_view title;   ///< one line: what is wrong
    std::string_view why;     ///< what happens if it is left as it is
    std::string_view remedy;  ///< what to do
};

/// The one table that `check --explain` and docs/checks.md are made from, in the order of docs/checks.md.
const std::vector<CheckDefinition>& check_table();
/// Null when there is no such check.
const CheckDefinition* find_check(std::string_view id);

bool is_error(const Finding& finding);
bool has_error(const std::vector<Finding>& findings);
void append(std::vector<Finding>& findings, std::vector<Finding> more);
/// A finding for each problem.
void append(std::vector<Finding>& findings, const char* id, const std::vector<Problem>& problems);

/// The findings of severity error, as problems of one Failure.
std::vector<Problem> errors_in(const std::vector<Finding>& findings);

/// The page of docs/checks.md about one check.
std::string explanation(const CheckDefinition& definition);

/// For a person: `ERROR method-block-missing: patroni.yml:7: …` and its HINT, errors first, then a line that counts
/// them.
std::string findings_text(const std::vector<Finding>& findings);
/// For a program: an array of objects with id, severity, place, message and hint.
std::string findings_json(const std::vector<Finding>& findings);

}  // namespace patroni_pgbackrest
