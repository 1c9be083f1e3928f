#include "show/rehearsal.hpp"

#include "request/target.hpp"
#include "show/progress_text.hpp"
#include "system/text.hpp"
#include "system/whole_number.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <numeric>
#include <string_view>
#include <utility>

namespace patroni_pgbackrest {

using nlohmann::json;
using system::whole_number;

namespace {

constexpr unsigned rehearsal_version = 1;  // of a line of the history
constexpr double least_seconds = 0.001;    // behind which a rate means anything

/// What a restore does besides the copy and the replay.
constexpr std::array rest_of_a_restore = {"plan", "shutdown", "verification", "sync"};

std::string seconds_text(double seconds) {
    return seconds < 10 ? fmt::format("{:.1f} s", seconds) : duration_text(seconds);
}

template <typename Number>
json value_or_null(const std::optional<Number>& value) {
    return value ? json(*value) : json();
}

template <typename Number>
std::optional<Number> number_at(const json& object, const char* name) {
    const auto found = object.find(name);
    return found == object.end() || !found->is_number() ? std::nullopt : std::optional(whole_number<Number>(*found));
}

std::string line_of(std::string_view name, const std::string& text) {
    return fmt::format("{:<10} {}\n", name, system::on_one_line(text));
}

std::string outcome_text(const Rehearsal& rehearsal) {
    if (rehearsal.is_done()) {
        return fmt::format("succeeded in {}", seconds_text(rehearsal.seconds));
    }
    const auto where = rehearsal.phase.empty() ? "before its first phase" : "in the phase " + rehearsal.phase;
    return fmt::format("failed {} with exit code {}: {}", where, rehearsal.exit_code, rehearsal.message);
}

std::string lost_text(const Rehearsal& rehearsal) {
    const auto ended = rehearsal.at + static_cast<std::int64_t>(rehearsal.seconds);
    auto text = rehearsal.last_commit ? fmt::format("what was committed in the last {}, since {}",
                                                    duration_text(std::chrono::seconds(
                                                        std::max<std::int64_t>(ended - *rehearsal.last_commit, 0))),
                                                    instant(*rehearsal.last_commit))
                                      : std::string("not known: no commit was found in the archive");
    if (rehearsal.not_archived) {
        text += fmt::format("; {} WAL segments of this node wait for the archive", *rehearsal.not_archived);
    }
    return text;
}

std::string projected_text(const Rehearsal& rehearsal) {
    const auto seconds = rehearsal.projected();
    return fmt::format("{} to the latest point ({}, {} WAL segments)",
                       seconds ? "about " + seconds_text(*seconds) : std::string("not known:"),
                       bytes_text(static_cast<double>(rehearsal.bytes_now)), rehearsal.segments_now);
}

std::string rates_text(const Rehearsal& rehearsal) {
    const auto copy = rehearsal.copy_rate();
    const auto replay = rehearsal.replay_rate();
    return fmt::format("copy {}, replay {}", copy ? bytes_text(*copy) + "/s" : "not measured",
                       replay ? fmt::format("{:.1f} WAL segments/s", *replay) : "not measured");
}

std::string examined_text(const Rehearsal& rehearsal) {
    return rehearsal.examined.empty() ? "nothing but the recovery itself" : system::join(rehearsal.examined, ", ");
}

}  // namespace

double Rehearsal::seconds_of(const std::string& name) const {
    return std::accumulate(phases.begin(), phases.end(), 0.0, [&](double so_far, const auto& each) {
        return each.first == name ? so_far + each.second : so_far;
    });
}

std::optional<double> Rehearsal::copy_rate() const {
    const auto took = seconds_of("copy");
    return copied == 0 || took < least_seconds ? std::nullopt : std::optional(static_cast<double>(copied) / took);
}

std::optional<double> Rehearsal::replay_rate() const {
    const auto took = seconds_of("replay");
    return replayed == 0 || took < least_seconds ? std::nullopt : std::optional(static_cast<double>(replayed) / took);
}

std::optional<double> Rehearsal::projected() const {
    const auto copy = copy_rate();
    const auto replay = replay_rate();
    if (!is_done() || bytes_now == 0 || !copy) {
        return std::nullopt;
    }
    double sum = static_cast<double>(bytes_now) / *copy;
    if (replay) {
        sum += static_cast<double>(segments_now) / *replay;
    } else if (segments_now > 0) {
        return std::nullopt;
    }
    for (const char* name : rest_of_a_restore) {
        sum += seconds_of(name);
    }
    return sum;
}

json Rehearsal::to_json() const {
    json times = json::array();
    for (const auto& [name, took] : phases) {
        times.push_back({{"phase", name}, {"seconds", took}});
    }
    json problems = json::array();
    for (const auto& problem : warnings) {
        problems.push_back({{"message", problem.message}, {"hint", problem.hint}});
    }
    return {{"version", rehearsal_version},
            {"at", at},
            {"stanza", stanza},
            {"target", target},
            {"seed", value_or_null(seed)},
            {"backup_set", backup_set},
            {"exit_code", exit_code},
            {"phase", phase},
            {"message", message},
            {"reached", reached},
            {"seconds", seconds},
            {"phases", times},
            {"copied_bytes", copied},
            {"replayed_segments", replayed},
            {"copy_bytes_per_second", value_or_null(copy_rate())},
            {"replay_segments_per_second", value_or_null(replay_rate())},
            {"window", window},
            {"last_commit", value_or_null(last_commit)},
            {"segments_not_archived", value_or_null(not_archived)},
            {"latest_bytes", bytes_now},
            {"latest_segments", segments_now},
            {"projected_seconds", value_or_null(projected())},
            {"examined", examined},
            {"warnings", problems}};
}

bool Rehearsal::is_newer(const std::string& line) {
    const auto read = json::parse(line, nullptr, false);
    const auto version = read.is_object() ? read.value("version", json()) : json();
    return version.is_number_unsigned() && version.get<std::uint64_t>() > rehearsal_version;
}

std::optional<Rehearsal> Rehearsal::from_json(const std::string& line) {
    try {
        const auto read = json::parse(line);
        if (whole_number(read, "version", rehearsal_version) > rehearsal_version) {
            return std::nullopt;
        }
        Rehearsal rehearsal;
        rehearsal.at = whole_number<std::int64_t>(read.at("at"));
        rehearsal.stanza = read.at("stanza");
        rehearsal.target = read.value("target", "");
        rehearsal.seed = number_at<std::uint64_t>(read, "seed");
        rehearsal.backup_set = read.value("backup_set", "");
        rehearsal.exit_code = whole_number<int>(read.at("exit_code"));
        rehearsal.phase = read.value("phase", "");
        rehearsal.message = read.value("message", "");
        rehearsal.reached = read.value("reached", "");
        rehearsal.seconds = read.value("seconds", 0.0);
        for (const auto& each : read.value("phases", json::array())) {
            rehearsal.phases.emplace_back(each.at("phase").get<std::string>(), each.at("seconds").get<double>());
        }
        rehearsal.copied = whole_number(read, "copied_bytes", std::uint64_t{0});
        rehearsal.replayed = whole_number(read, "replayed_segments", std::uint64_t{0});
        rehearsal.window = read.value("window", "");
        rehearsal.last_commit = number_at<std::int64_t>(read, "last_commit");
        rehearsal.not_archived = number_at<std::uint64_t>(read, "segments_not_archived");
        rehearsal.bytes_now = whole_number(read, "latest_bytes", std::uint64_t{0});
        rehearsal.segments_now = whole_number(read, "latest_segments", std::uint64_t{0});
        rehearsal.examined = read.value("examined", std::vector<std::string>());
        for (const auto& each : read.value("warnings", json::array())) {
            rehearsal.warnings.push_back({each.value("message", ""), each.value("hint", "")});
        }
        return rehearsal;
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

std::string rehearsal_text(const Rehearsal& rehearsal) {
    std::vector<std::string> times;
    for (const auto& [name, took] : rehearsal.phases) {
        times.push_back(fmt::format("{} {}", name, seconds_text(took)));
    }
    auto text = line_of("rehearsal", outcome_text(rehearsal));
    text += line_of("stanza", rehearsal.stanza);
    if (!rehearsal.target.empty()) {
        text += line_of("target", rehearsal.target +
                                      (rehearsal.seed ? fmt::format(", random with seed {}", *rehearsal.seed) : ""));
    }
    if (!rehearsal.backup_set.empty()) {
        text += line_of("backup set", rehearsal.backup_set);
    }
    if (!rehearsal.reached.empty()) {
        text += line_of("reached", rehearsal.reached);
    }
    text += line_of("phases", system::join(times, ", "));
    if (rehearsal.is_done()) {
        text += line_of("rates", rates_text(rehearsal));
        text += line_of("examined", examined_text(rehearsal));
    }
    if (!rehearsal.window.empty()) {
        text += line_of("window", rehearsal.window);
        text += line_of("lost now", lost_text(rehearsal));
        text += line_of("recovery", projected_text(rehearsal));
    }
    for (const auto& warning : rehearsal.warnings) {
        text += line_of("warning", warning.message);
    }
    return text;
}

PageAdditions page_additions(const Rehearsal& rehearsal) {
    PageAdditions additions;
    const auto add = [&](const char* name, std::string text) { additions.proof.emplace_back(name, std::move(text)); };
    if (rehearsal.seed) {
        add("chosen by", fmt::format("seed {}", *rehearsal.seed));
    }
    if (rehearsal.is_done()) {
        add("rates", rates_text(rehearsal));
    }
    if (rehearsal.is_done() || !rehearsal.examined.empty()) {
        add("examined", examined_text(rehearsal));
    }
    if (!rehearsal.window.empty()) {
        add("window", rehearsal.window);
        add("lost now", lost_text(rehearsal));
        add("recovery", projected_text(rehearsal));
    }
    additions.warnings = rehearsal.warnings;
    return additions;
}

}  // namespace patroni_pgbackrest
