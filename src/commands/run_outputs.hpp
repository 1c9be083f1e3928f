#pragma once

#include "commands/bootstrap.hpp"
#include "process/aside.hpp"
#include "show/page.hpp"
#include "show/run_view.hpp"
#include "show/status.hpp"
#include "system/log.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::commands {

/// Does it; what is wrong with that is a line of the log. The outcome of a run is worth more than what tells of it:
/// Patroni has its data directory, or knows why not.
void write_or_warn(const std::function<void()>& write, log::Level level = log::Level::warning);

/// Those that were asked for.
struct RunFiles {
    std::optional<std::filesystem::path> report, page, metrics;
};

/// How the page and the metrics call a run: see run_page() and write_metrics().
struct RunKind {
    std::string title;
    std::string_view metrics;
    PageAdditions on_page{};
};

/// Writes a run's end into them, and does what else is to be written. `report` makes the report's text. What is wrong
/// with one of them, and that its file system does not answer, is a line of the log: process::write_aside().
void write_files(const RunFiles& files, const RunKind& kind, const std::function<std::string()>& report,
                 const RunStatus& status, const std::optional<Failure>& failure,
                 std::vector<process::Writing> others = {});

/// What the end of a bootstrap leaves for those who were not there: the closing table in the log, the report, the page,
/// the metrics, and what it took for the estimates of `check`.
class RunOutputs {
  public:
    explicit RunOutputs(const BootstrapArguments& arguments);

    void done(const Request& request, const RunView& view) const;
    void failed(const RunView& view, const Failure& failure) const;

  private:
    void write(const RunView& view, const std::optional<Failure>& failure) const;

    RunFiles files_;
};

}  // namespace patroni_pgbackrest::commands
