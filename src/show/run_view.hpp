#pragma once

#include "show/display.hpp"
#include "show/report.hpp"

#include <string>

namespace patroni_pgbackrest {

/// All that a run tells: to those who look while it lasts, and to those who read the report at its end.
struct RunView {
    /// `draws`: as of RunDisplay.
    RunView(const std::string& command, bool draws) : report(command), display(draws) {}

    Report report;
    RunDisplay display;

    void phase(const std::string& name) { phase(name, name); }
    void phase(const std::string& in_report, const std::string& shown) {
        report.phase(in_report);
        display.phase(shown);
    }
    void about(const Request& request) {
        report.about(request);
        display.about(request);
    }
    void about(const Plan& plan, const Layout& layout) {
        report.about(plan, layout);
        display.about(plan);
    }
    void about(const Reached& reached) {
        report.about(reached);
        display.about(reached);
    }
};

}  // namespace patroni_pgbackrest
