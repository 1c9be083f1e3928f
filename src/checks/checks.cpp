#include "checks/checks.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace patroni_pgbackrest {

namespace {

Severity severity_of(const Finding& finding) {
    const auto* definition = find_check(finding.id);
    if (definition == nullptr) {
        throw std::logic_error("no check is called " + finding.id);
    }
    return definition->severity;
}

}  // namespace

bool is_error(const Finding& finding) {
    return severity_of(finding) == Severity::error;
}

std::string explanation(const CheckDefinition& definition) {
    return fmt::format("## {}\n\n{}: {}.\n\n{}\n\nWhat to do: {}.\n", definition.id,
                       definition.severity == Severity::error ? "Error" : "Warning", definition.title, definition.why,
                       definition.remedy);
}

const CheckDefinition* find_check(std::string_view id) {
    const auto& table = check_table();
    const auto found = std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.id == id; });
    return found == table.end() ? nullptr : &*found;
}

bool has_error(const std::vector<Finding>& findings) {
    return std::any_of(findings.begin(), findings.end(), is_error);
}

void append(std::vector<Finding>& findings, std::vector<Finding> more) {
    findings.insert(findings.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

void append(std::vector<Finding>& findings, const char* id, const std::vector<Problem>& problems) {
    for (const auto& problem : problems) {
        findings.push_back({id, problem});
    }
}

std::vector<Problem> errors_in(const std::vector<Finding>& findings) {
    std::vector<Problem> problems;
    for (const auto& finding : findings) {
        if (is_error(finding)) {
            problems.push_back(finding.problem);
        }
    }
    return problems;
}

std::string findings_text(const std::vector<Finding>& findings) {
    auto sorted = findings;
    std::stable_partition(sorted.begin(), sorted.end(), is_error);
    std::string text;
    for (const auto& finding : sorted) {
        const auto& problem = finding.problem;
        text += fmt::format("{} {}: {}{}\n", is_error(finding) ? "ERROR  " : "WARNING", finding.id,
                            problem.place.empty() ? "" : problem.place + ": ", problem.message);
        if (!problem.hint.empty()) {
            text += fmt::format("        HINT: {}\n", problem.hint);
        }
    }
    const auto errors = std::count_if(findings.begin(), findings.end(), is_error);
    return text + fmt::format("{} errors, {} warnings\n", errors, findings.size() - static_cast<std::size_t>(errors));
}

std::string findings_json(const std::vector<Finding>& findings) {
    auto array = nlohmann::json::array();
    for (const auto& finding : findings) {
        array.push_back({{"id", finding.id},
                         {"severity", is_error(finding) ? "error" : "warning"},
                         {"place", finding.problem.place},
                         {"message", finding.problem.message},
                         {"hint", finding.problem.hint}});
    }
    // A name in patroni.yml may hold bytes that are not UTF-8.
    return array.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace patroni_pgbackrest
