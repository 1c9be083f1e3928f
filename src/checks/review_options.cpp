#include "checks/review_options.hpp"

#include "pgbackrest/restore_options.hpp"

#include <fmt/format.h>

namespace patroni_pgbackrest {

namespace {

/// Each run has its own, whatever is configured for others.
bool is_of_no_interest(std::string_view name) {
    return name.starts_with("log-") || name == "lock-path" || name == "spool-path" || name == "delta";
}

}  // namespace

/// No values: of an unknown option, or in a recovery-option, they may be secrets.
std::vector<Finding> review_options(const Request& request) {
    std::vector<Finding> findings;
    for (const auto& option : request.configured) {
        const auto treatment = pgbackrest::treatment_of(option.name);
        if (treatment == pgbackrest::Treatment::unknown) {
            findings.push_back({"option-unknown",
                                {fmt::format("'{}' is no option of pgBackRest 2.33 to 2.60", option.name),
                                 "correct it, or look up what it does to a restore", option.place}});
        } else if (treatment == pgbackrest::Treatment::ours && !is_of_no_interest(option.name)) {
            findings.push_back({"option-not-used",
                                {fmt::format("{} is not used here", option.name),
                                 "say in the method's block what is wanted", option.place}});
        }
    }
    return findings;
}

}  // namespace patroni_pgbackrest
