#include "commands/run_outputs.hpp"

#include "show/history.hpp"
#include "show/metrics.hpp"
#include "show/page.hpp"
#include "staging/layout.hpp"
#include "system/file.hpp"
#include "system/log.hpp"
#include "system/refusal.hpp"

#include <chrono>
#include <exception>
#include <functional>
#include <utility>
#include <vector>

namespace patroni_pgbackrest::commands {

namespace {

/// A disk that still writes what was restored takes a while; after a signal, Patroni kills what does not end in 10 s.
constexpr process::Patience patience{.usual = std::chrono::seconds(30), .when_interrupted = std::chrono::seconds(2)};

}  // namespace

void write_or_warn(const std::function<void()>& write, log::Level level) {
    try {
        write();
    } catch (const std::exception& error) {
        log::write(system::unexpected(error).problems().front(), level);
    }
}

void write_files(const RunFiles& files, const RunKind& kind, const std::function<std::string()>& report,
                 const RunStatus& status, const std::optional<Failure>& failure, std::vector<process::Writing> others) {
    auto writings = std::move(others);
    if (files.report) {
        writings.push_back({*files.report, [&] { system::replace_file(*files.report, report(), 0644); }});
    }
    if (files.page) {
        writings.push_back({*files.page, [&] {
                                const auto findings = failure ? failure->problems() : std::vector<Problem>();
                                const auto page = run_page(kind.title, status, findings, kind.on_page);
                                system::replace_file(*files.page, page, 0644);
                            }});
    }
    if (files.metrics) {
        writings.push_back({*files.metrics, [&] { write_metrics(*files.metrics, kind.metrics, status); }});
    }
    for (const auto& problem : process::write_aside(writings, patience)) {
        log::write(problem, log::Level::warning);
    }
}

RunOutputs::RunOutputs(const BootstrapArguments& arguments)
    : files_{report_path(arguments.options, arguments.patroni), page_path(arguments.options, arguments.patroni),
             metrics_path(arguments.options, arguments.patroni)} {}

void RunOutputs::done(const Request& request, const RunView& view) const {
    write_or_warn([&] { log::info("{}", run_summary("restore", view.display.status())); });
    const auto measured = view.display.measured();
    if (measured.bytes > 0 || measured.segments > 0) {
        // Beside a mount point, in a container for example, there may be no place for it.
        write_or_warn([&] { add_to_history(choose_layout(request.data_directory).history(), measured); },
                      log::Level::debug);
    }
    write(view, std::nullopt);
}

void RunOutputs::failed(const RunView& view, const Failure& failure) const {
    write(view, failure);
}

void RunOutputs::write(const RunView& view, const std::optional<Failure>& failure) const {
    write_files(
        files_, {"Restore", restore_metrics}, [&] { return view.report.text(failure); }, view.display.status(),
        failure);
}

}  // namespace patroni_pgbackrest::commands
