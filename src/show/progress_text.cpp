#include "show/progress_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <vector>

namespace patroni_pgbackrest {

namespace {

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
    std::string text;
    for (const auto& part : parts) {
        if (!part.empty()) {
            text += fmt::format("{}{}", text.empty() ? "" : separator, part);
        }
    }
    return text;
}

/// Rounded down: what is not done is not 100 %.
std::string percent_text(const PhaseView& view) {
    return view.percent ? fmt::format("{} %", static_cast<int>(*view.percent)) : "";
}

std::string left_text(const PhaseView& view) {
    return view.left ? duration_text(*view.left) + " left" : "";
}

std::chrono::seconds seconds_of(std::uint64_t count) {
    return std::chrono::seconds(static_cast<std::int64_t>(count));
}

}  // namespace

std::string_view text(Unit unit) {
    constexpr std::array<std::string_view, 5> names = {"", "bytes", "segments", "seconds", "files"};
    return names.at(static_cast<std::size_t>(unit));
}

double rounded(double number) {
    return std::round(number * 100) / 100;
}

double rounded_rate(double rate) {
    if (rate <= 0 || rate >= 1) {
        return rounded(rate);
    }
    const auto scale = std::pow(10, 2 - std::floor(std::log10(rate)));
    return std::round(rate * scale) / scale;
}

std::string count_text(std::uint64_t count) {
    auto digits = std::to_string(count);
    for (auto place = digits.size(); place > 3; place -= 3) {
        digits.insert(place - 3, ",");
    }
    return digits;
}

std::string bytes_text(double bytes) {
    constexpr std::array<std::string_view, 5> names = {"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t name = 0;
    for (; bytes >= 1024 && name + 1 < names.size(); ++name) {
        bytes /= 1024;
    }
    return name == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, names.at(name));
}

std::string duration_text(double seconds) {
    constexpr double most = 1e9;  // what a damaged file says may be no number of seconds at all
    return duration_text(std::chrono::seconds(std::llround(std::clamp(seconds, 0.0, most))));
}

std::string duration_text(std::chrono::seconds duration) {
    const auto seconds = duration.count();
    if (seconds < 60) {
        return fmt::format("{} s", seconds);
    }
    if (seconds < 3600) {
        return seconds % 60 == 0 ? fmt::format("{} min", seconds / 60)
                                 : fmt::format("{} min {} s", seconds / 60, seconds % 60);
    }
    return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
}

std::string amount_text(const PhaseView& view) {
    const auto done = static_cast<double>(view.done);
    const auto planned = static_cast<double>(view.planned);
    switch (view.unit) {
    case Unit::none:
        break;
    case Unit::bytes:
        return fmt::format("{} of {}", bytes_text(done), bytes_text(planned));
    case Unit::segments:
        return fmt::format("{} of {} WAL segments", view.done, view.planned);
    case Unit::time:
        return fmt::format("{} of {} of commits", duration_text(seconds_of(view.done)),
                           duration_text(seconds_of(view.planned)));
    case Unit::files:
        return fmt::format("{} of {} files", view.done, view.planned);
    }
    return "";
}

std::string rate_text(const PhaseView& view) {
    if (!view.rate) {
        return "";
    }
    switch (view.unit) {
    case Unit::none:
        break;
    case Unit::bytes:
        return bytes_text(*view.rate) + "/s";
    case Unit::segments:
        return *view.rate >= 1        ? fmt::format("{:.1f} segments/s", *view.rate)
               : *view.rate * 60 >= 1 ? fmt::format("{:.1f} segments/min", *view.rate * 60)
                                      : fmt::format("{:.2g} segments/h", *view.rate * 3600);
    case Unit::time:
        return *view.rate >= 0.1 ? fmt::format("{:.1f} times as fast as it was written", *view.rate)
                                 : fmt::format("{:.1g} times as fast as it was written", *view.rate);
    case Unit::files:
        return *view.rate >= 1 ? fmt::format("{:.0f} files/s", *view.rate)
                               : fmt::format("{:.2g} files/min", *view.rate * 60);
    }
    return "";
}

std::string progress_line(const PhaseView& view, const std::string& position) {
    const auto words =
        joined({percent_text(view), amount_text(view), position, rate_text(view), left_text(view)}, ", ");
    return fmt::format("{}: {}", view.phase, words.empty() ? "since " + duration_text(view.lasts) : words);
}

std::string waiting_line(const PhaseView& view, const std::string& waits_for) {
    const auto at = percent_text(view);
    return fmt::format("{}: nothing moved for {}{}{}", view.phase, duration_text(view.quiet),
                       at.empty() ? "" : " at " + at, waits_for.empty() ? "" : ": it waits for " + waits_for);
}

std::string summary_line(const PhaseView& view) {
    const auto done = view.done - view.before;
    auto average = view;
    average.rate = static_cast<double>(done) / std::max<double>(1, static_cast<double>(view.lasts.count()));
    const auto amount = view.unit == Unit::bytes      ? bytes_text(static_cast<double>(done))
                        : view.unit == Unit::segments ? fmt::format("{} WAL segments", done)
                        : view.unit == Unit::files    ? fmt::format("{} files", done)
                                                      : std::string();
    if (amount.empty()) {
        return fmt::format("{}: took {}", view.phase, duration_text(view.lasts));
    }
    return fmt::format("{}: {} in {} ({})", view.phase, amount, duration_text(view.lasts), rate_text(average));
}

log::Fields progress_fields(const PhaseView& view, const std::string& position, const std::string& waits_for) {
    log::Fields fields{{"phase", view.phase}, {"seconds", std::int64_t{view.lasts.count()}}};
    if (view.percent) {
        fields.emplace_back("unit", std::string(text(view.unit)));
        fields.emplace_back("done", static_cast<std::int64_t>(view.done));
        fields.emplace_back("planned", static_cast<std::int64_t>(view.planned));
        fields.emplace_back("percent", rounded(*view.percent));
    }
    if (view.rate) {
        fields.emplace_back("rate", rounded_rate(*view.rate));
    }
    if (view.left) {
        fields.emplace_back("seconds_left", std::int64_t{view.left->count()});
    }
    if (!position.empty()) {
        fields.emplace_back("position", position);
    }
    if (!waits_for.empty()) {
        fields.emplace_back("waits_for", waits_for);
    }
    return fields;
}

std::string bar(const PhaseView& view, const std::string& commit, std::size_t columns) {
    constexpr std::size_t widest = 20, narrowest = 8;
    const auto reached = commit.empty() ? std::string() : "up to " + commit;
    std::array<std::string, 4> parts = {amount_text(view), reached, rate_text(view), left_text(view)};
    const auto line = [&](const std::string& drawn) {
        return view.phase + " " + joined({drawn, parts[0], parts[1], parts[2], parts[3]}, "  ");
    };
    const auto with_bar = [&](std::size_t width) {
        const auto percent = view.percent.value_or(0);
        const auto filled = std::min(width, static_cast<std::size_t>(percent / 100 * static_cast<double>(width)));
        return line(fmt::format("[{}{}]  {:>3} %", std::string(filled, '#'), std::string(width - filled, '-'),
                                static_cast<int>(percent)));
    };
    std::string text;
    if (view.percent) {
        for (const std::size_t least : {2U, 0U, 1U, 3U}) {
            if (with_bar(narrowest).size() > columns) {
                parts.at(least).clear();
            }
        }
        const auto spare = columns - std::min(columns, with_bar(narrowest).size());
        text = with_bar(std::min(widest, narrowest + spare));
    } else {
        text = line(duration_text(view.lasts));
    }
    const auto head = view.percent ? percent_text(view) : duration_text(view.lasts);
    for (const auto& shorter : {view.phase + " " + head, view.phase}) {
        text = text.size() > columns ? shorter : text;
    }
    text.resize(std::min(text.size(), columns));
    return text;
}

}  // namespace patroni_pgbackrest
