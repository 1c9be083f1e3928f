#pragma once

#include "commands/bootstrap.hpp"
#include "show/run_view.hpp"

#include <filesystem>
#include <optional>

namespace patroni_pgbackrest::commands {

/// What the end of a bootstrap leaves for those who were not there: the closing table in the log, the report, the page,
/// the metrics, and what it took for the estimates of `check`. The outcome is worth more than what tells of it: what
/// cannot be written is a warning.
class RunOutputs {
  public:
    explicit RunOutputs(const BootstrapArguments& arguments);

    void done(const Request& request, const RunView& view) const;
    void failed(const RunView& view, const Failure& failure) const;

  private:
    void write(const RunView& view, const std::optional<Failure>& failure) const;

    std::optional<std::filesystem::path> report_, page_, metrics_;
};

}  // namespace patroni_pgbackrest::commands
