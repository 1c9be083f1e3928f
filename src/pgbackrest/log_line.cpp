#include "pgbackrest/log_line.hpp"

#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <optional>
#include <utility>

namespace patroni_pgbackrest::pgbackrest {

namespace {

// At DETAIL and below, pgBackRest writes a line for each file of a restore. In our log that is debug output.
constexpr std::array<std::pair<std::string_view, log::Level>, 7> levels = {{{"INFO", log::Level::info},
                                                                            {"WARN", log::Level::warning},
                                                                            {"ERROR", log::Level::error},
                                                                            {"ASSERT", log::Level::error},
                                                                            {"DETAIL", log::Level::debug},
                                                                            {"DEBUG", log::Level::debug},
                                                                            {"TRACE", log::Level::debug}}};

bool is_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// `2026-11-22 11:18:59.661 `, written unless --no-log-timestamp is given.
std::string_view without_timestamp(std::string_view line) {
    constexpr std::size_t length = 24;
    const bool there = line.size() > length && is_digits(line.substr(0, 4)) && line[4] == '-' && line[7] == '-' &&
                       line[10] == ' ' && line[13] == ':' && line[19] == '.' && line[length - 1] == ' ';
    return there ? line.substr(length) : line;
}

/// `P00 `, which is absent on stderr.
std::string_view without_process(std::string_view line) {
    const auto end = line.find(' ');
    const bool there =
        end != std::string_view::npos && end >= 3 && line[0] == 'P' && is_digits(line.substr(1, end - 1));
    return there ? line.substr(end) : line;
}

std::optional<LogLine> first_line(std::string_view line) {
    const auto rest = system::trim(without_process(without_timestamp(line)));
    for (const auto& [name, level] : levels) {
        if (rest.size() > name.size() && rest.substr(0, name.size()) == name && rest[name.size()] == ':') {
            return LogLine{level, std::string(system::trim(rest.substr(name.size() + 1))), false};
        }
    }
    return std::nullopt;
}

}  // namespace

LogLine parse_log_line(std::string_view line) {
    if (!line.empty() && line.front() != ' ') {
        if (auto parsed = first_line(line)) {
            return *parsed;
        }
        return LogLine{log::Level::info, std::string(system::trim(line)), false};
    }
    return LogLine{log::Level::info, std::string(system::trim(line)), true};
}

/// Cheap: there may be a million of them.
std::optional<double> percent_of_restored_file(std::string_view line) {
    constexpr std::string_view begin = " DETAIL: restore ";
    constexpr std::size_t longest_prefix = 40;  // timestamp and process
    constexpr std::string_view end = "%)";
    const auto percent_sign = line.rfind(end);
    if (line.substr(0, longest_prefix + begin.size()).find(begin) == std::string_view::npos ||
        percent_sign == std::string_view::npos) {
        return std::nullopt;
    }
    const auto before = line.substr(0, percent_sign);
    const auto blank = before.rfind(' ');
    if (blank == std::string_view::npos) {
        return std::nullopt;
    }
    const auto parts = system::split(before.substr(blank + 1), '.');
    const auto whole = system::number(parts.front());
    const auto hundredths = parts.size() == 2 && parts.back().size() == 2 ? system::number(parts.back())
                            : parts.size() == 1                           ? std::optional<std::uint64_t>(0)
                                                                          : std::nullopt;
    if (!whole || *whole > 100 || !hundredths) {
        return std::nullopt;
    }
    return static_cast<double>(*whole) + static_cast<double>(*hundredths) / 100;
}

}  // namespace patroni_pgbackrest::pgbackrest
