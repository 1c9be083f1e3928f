#pragma once

#include "show/status.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace patroni_pgbackrest {

/// The label `run` of metrics: what kind of run they are of.
constexpr std::string_view restore_metrics = "restore";
constexpr std::string_view drill_metrics = "drill";

/// How the last run of a kind ended, in Prometheus' text format, for node_exporter's textfile collector. `earlier` is
/// what the file held: the metrics of the other kind and of other clusters (scope and stanza) stay, and so does the
/// time of this one's last success. What is not known of the run has no metric.
std::string metrics_text(std::string_view run, const RunStatus& status, const std::string& earlier);

/// Who writes: the run itself, or somebody who finds that it could not. Such a one leaves what a later run has written.
enum class Teller { run, finder };

/// Puts that into a file, in one step, which everybody may read, and which becomes ours where another user has made
/// it. Throws Failure(system_refused), Failure(usage) where the file before cannot be read, Failure(unsafe) where it
/// holds something else.
void write_metrics(const std::filesystem::path& file, std::string_view run, const RunStatus& status,
                   Teller teller = Teller::run);

}  // namespace patroni_pgbackrest
