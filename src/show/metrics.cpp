#include "show/metrics.hpp"

#include "show/progress_text.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/lock.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <fmt/format.h>
#include <optional>
#include <utility>
#include <vector>

namespace patroni_pgbackrest {

namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

/// A value of a family; most have one, without labels of its own.
struct Sample {
    std::string value;
    Labels labels{};
};

struct Family {
    std::string_view name, help;
    std::vector<Sample> samples;
};

constexpr std::string_view prefix = "patroni_pgbackrest_";
/// For another one that writes. It takes a moment, and less than what an interrupted run has left for this.
constexpr std::chrono::milliseconds longest_wait(1500);
constexpr std::string_view last_success = "last_success_timestamp_seconds";
constexpr std::string_view last_end = "last_run_end_timestamp_seconds";

std::vector<Sample> one(double value) {
    return {{fmt::format("{}", value)}};
}

std::vector<Sample> one_when(bool is_known, std::string value) {
    std::vector<Sample> samples;
    if (is_known) {
        samples.push_back({std::move(value)});
    }
    return samples;
}

std::vector<Sample> point_in_time(const std::optional<std::int64_t>& at) {
    return one_when(at.value_or(0) != 0, std::to_string(at.value_or(0)));
}

/// A phase that was begun again is one.
std::vector<Sample> durations(const RunStatus& status) {
    std::vector<std::pair<std::string, double>> sums;
    for (const auto& phase : status.phases) {
        const auto known =
            std::find_if(sums.begin(), sums.end(), [&](const auto& sum) { return sum.first == phase.first; });
        if (known == sums.end()) {
            sums.push_back(phase);
        } else {
            known->second += phase.second;
        }
    }
    std::vector<Sample> samples;
    for (const auto& sum : sums) {
        samples.push_back({fmt::format("{}", rounded(sum.second)), {{"phase", sum.first}}});
    }
    return samples;
}

/// In patroni mode nobody knows at the hand-over.
std::vector<Sample> target_reached(const RunStatus& status) {
    if (status.state == RunStatus::State::done) {
        return status.reached.empty() ? std::vector<Sample>() : one(1);
    }
    return one(0);
}

std::vector<Sample> words(const RunStatus& status) {
    const auto plan = status.plan.value_or(RunStatus::PlanFacts());
    return {{"1",
             {{"phase", status.phase.phase},
              {"backup_set", plan.backup_set},
              {"recovery", plan.recovery},
              {"target", status.target},
              {"version", PATRONI_PGBACKREST_VERSION}}}};
}

/// All that there are, in their order; of what is not known, without a sample.
std::vector<Family> families_of(const RunStatus& status) {
    const bool is_done = status.state == RunStatus::State::done;
    const auto plan = status.plan.value_or(RunStatus::PlanFacts());
    return {
        {"last_run_success", "Whether the last run was done (1), or failed or was interrupted (0).", one(is_done)},
        {"last_run_exit_code", "With what the last run ended, as in docs/exit-codes.md.",
         one(static_cast<int>(exit_code_of(status)))},
        {"last_run_start_timestamp_seconds", "When the last run began.", point_in_time(status.started)},
        {last_end, "When the last run ended, or was seen last.", point_in_time(status.updated)},
        {last_success, "When the last run that was done ended.",
         is_done ? point_in_time(status.updated) : std::vector<Sample>()},
        {"last_run_phase_duration_seconds", "How long each phase of the last run took.", durations(status)},
        {"last_run_backup_size_bytes", "Size of the backup set in the data directory.",
         one_when(plan.backup_size > 0, std::to_string(plan.backup_size))},
        {"last_run_wal_segments", "WAL segments from the backup set to the end of what was planned.",
         one_when(status.plan.has_value(), std::to_string(plan.wal_segments))},
        {"last_run_target_reached", "Whether the recovery of the last run reached its target, which was proven.",
         target_reached(status)},
        {"last_run_reached_timestamp_seconds", "Commit time of the last transaction that was brought back.",
         point_in_time(status.reached_time)},
        {"last_run_window_end_timestamp_seconds", "Commit time of the last transaction that the archive held.",
         point_in_time(status.window_end)},
        {"last_run_info", "What the last run was, and the phase in which it ended.", words(status)},
    };
}

/// In quotes, as the text format wants it: UTF-8, and three characters escaped.
std::string quoted(const std::string& value) {
    std::string text = "\"";
    for (const char letter : system::valid_utf8(value)) {
        if (letter == '\n') {
            text += "\\n";
        } else {
            text += letter == '\\' || letter == '"' ? std::string{'\\', letter} : std::string{letter};
        }
    }
    return text + '"';
}

std::string labels_text(const Labels& labels) {
    std::string text;
    for (const auto& [label, value] : labels) {
        text += fmt::format("{}{}={}", text.empty() ? "" : ",", label, quoted(value));
    }
    return text;
}

Labels common_labels(std::string_view run, const std::string& scope, const std::string& stanza) {
    return {{"run", std::string(run)}, {"scope", scope}, {"stanza", stanza}};
}

std::string sample_line(const std::string& name, const Sample& sample, const Labels& common) {
    auto labels = common;
    labels.insert(labels.end(), sample.labels.begin(), sample.labels.end());
    return fmt::format("{}{{{}}} {}\n", name, labels_text(labels), sample.value);
}

/// How the labels of an earlier line begin in whose place this run's come: those of the same cluster, and of a run that
/// ended before its scope or stanza was known.
std::vector<std::string> labels_before(std::string_view run, const RunStatus& status) {
    std::vector<std::string> beginnings;
    for (const auto& scope : {std::string(), status.scope}) {
        for (const auto& stanza : {std::string(), status.stanza}) {
            beginnings.push_back("{" + labels_text(common_labels(run, scope, stanza)));
        }
    }
    return beginnings;
}

/// Whether the lines tell of a run of the same kind and cluster that ended later: one that failed before it had a
/// status file, for example. A time that is still to come is of a clock that was wrong.
bool tells_of_later_run(const std::vector<std::string>& lines, std::string_view run, const RunStatus& status) {
    const auto name = std::string(prefix) + std::string(last_end);
    for (const auto& labels : labels_before(run, status)) {
        for (const auto& line : lines) {
            const auto end = system::number(std::string_view(line).substr(line.rfind(' ') + 1));
            const auto at = static_cast<std::int64_t>(end.value_or(0));
            if (line.starts_with(name + labels) && at > status.updated && at <= std::time(nullptr)) {
                return true;
            }
        }
    }
    return false;
}

/// Whether a line is one that metrics_text() writes.
bool is_ours(const std::string& line) {
    constexpr std::array<std::string_view, 3> beginnings = {"", "# HELP ", "# TYPE "};
    return line.empty() || std::any_of(beginnings.begin(), beginnings.end(), [&](std::string_view beginning) {
               return line.starts_with(std::string(beginning) + std::string(prefix));
           });
}

}  // namespace

std::string metrics_text(std::string_view run, const RunStatus& status, const std::string& earlier) {
    const auto common = common_labels(run, status.scope, status.stanza);
    const auto replaced = labels_before(run, status);
    const auto lines_before = system::lines(earlier);
    std::string text;
    for (const auto& family : families_of(status)) {
        const auto name = std::string(prefix) + std::string(family.name);
        std::string samples;
        const bool is_renewed = family.name != last_success || !family.samples.empty();
        for (const auto& line : lines_before) {
            const bool is_replaced = std::any_of(replaced.begin(), replaced.end(), [&](const std::string& labels) {
                return line.starts_with(name + labels);
            });
            if (line.starts_with(name + "{run=\"") && !(is_renewed && is_replaced)) {
                samples += line + '\n';
            }
        }
        for (const auto& sample : family.samples) {
            samples += sample_line(name, sample, common);
        }
        if (!samples.empty()) {
            text += fmt::format("# HELP {} {}\n# TYPE {} gauge\n{}", name, family.help, name, samples);
        }
    }
    return text;
}

void write_metrics(const std::filesystem::path& file, std::string_view run, const RunStatus& status, Teller teller) {
    // What another run writes at the same time would be lost, or this. Locked directories are somebody's whole runs.
    const auto lock = system::lock_for_replacing(file, longest_wait);
    const auto earlier = system::read_file_if_present(file).value_or("");
    const auto lines = system::lines(earlier);
    if (!std::all_of(lines.begin(), lines.end(), is_ours)) {
        throw Failure(ExitCode::unsafe, fmt::format("{} holds something else than metrics of restores", file.string()),
                      "name another file, of their own, whose name ends in .prom");
    }
    if (teller == Teller::run || !tells_of_later_run(lines, run, status)) {
        system::replace_public_file(file, metrics_text(run, status, earlier), 0644);
    }
}

}  // namespace patroni_pgbackrest
