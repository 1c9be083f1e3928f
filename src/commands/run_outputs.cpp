#include "commands/run_outputs.hpp"

#include "show/history.hpp"
#include "show/metrics.hpp"
#include "show/page.hpp"
#include "staging/layout.hpp"
#include "system/file.hpp"
#include "system/log.hpp"
#include "system/refusal.hpp"

#include <exception>
#include <functional>
#include <vector>

namespace patroni_pgbackrest::commands {

namespace {

/// Whatever is wrong with it, Patroni has its data directory, or knows why not.
void attempt(const std::function<void()>& work, log::Level level = log::Level::warning) {
    try {
        work();
    } catch (const std::exception& error) {
        log::write(system::unexpected(error).problems().front(), level);
    }
}

}  // namespace

RunOutputs::RunOutputs(const BootstrapArguments& arguments)
    : report_(report_path(arguments.options, arguments.patroni)),
      page_(page_path(arguments.options, arguments.patroni)),
      metrics_(metrics_path(arguments.options, arguments.patroni)) {}

void RunOutputs::done(const Request& request, const RunView& view) const {
    attempt([&] { log::info("{}", run_summary("restore", view.display.status())); });
    const auto measured = view.display.measured();
    if (measured.bytes > 0 || measured.segments > 0) {
        // Beside a mount point, in a container for example, there may be no place for it.
        attempt([&] { add_to_history(choose_layout(request.data_directory).history(), measured); }, log::Level::debug);
    }
    write(view, std::nullopt);
}

void RunOutputs::failed(const RunView& view, const Failure& failure) const {
    write(view, failure);
}

void RunOutputs::write(const RunView& view, const std::optional<Failure>& failure) const {
    if (report_) {
        attempt([&] { system::replace_file(*report_, view.report.text(failure), 0644); });
    }
    if (page_) {
        const auto findings = failure ? failure->problems() : std::vector<Problem>();
        attempt([&] { system::replace_file(*page_, run_page("Restore", view.display.status(), findings), 0644); });
    }
    if (metrics_) {
        attempt([&] { write_metrics(*metrics_, restore_metrics, view.display.status()); });
    }
}

}  // namespace patroni_pgbackrest::commands
