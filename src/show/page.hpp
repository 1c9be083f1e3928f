#pragma once

#include "show/status.hpp"
#include "system/failure.hpp"

#include <string>
#include <utility>
#include <vector>

namespace patroni_pgbackrest {

/// What only one kind of run has for its page: further lines of the proof, and what was found although it went on.
struct PageAdditions {
    std::vector<std::pair<std::string, std::string>> proof{};
    std::vector<Problem> warnings{};
};

/// What a run came to, as a page that needs no other file: outcome, phases as a chart, what proves the result, and the
/// findings. `title`: `Restore`, for example. Made from page.html.inc; no value in it is taken for HTML.
std::string run_page(const std::string& title, const RunStatus& status, const std::vector<Problem>& findings,
                     const PageAdditions& additions = {});

/// For a terminal or a log, at the end of a run that is done: a line each for outcome, target, result and plan, then a
/// table of the phases.
std::string run_summary(const std::string& title, const RunStatus& status);

}  // namespace patroni_pgbackrest
