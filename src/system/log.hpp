#pragma once

#include "system/failure.hpp"

#include <fmt/format.h>
#include <optional>
#include <string_view>
#include <utility>

/// Log lines that look like Patroni's: `2026-11-22 07:28:41,902 INFO: …`, each written to stderr in one piece.
namespace patroni_pgbackrest::log {

enum class Level { debug, info, warning, error };

std::optional<Level> parse_level(std::string_view name);
void set_level(Level level);

/// Writes one entry. Line breaks inside the text are kept and indented.
void write(Level level, std::string_view text);
/// `ERROR: place: message` and, on the next line, `HINT: hint`.
void write(const Problem& problem, Level level = Level::error);

/// The width of the terminal on which a line can be shown below the log; empty where stderr is none, or one that cannot
/// move its cursor (TERM=dumb).
std::optional<std::size_t> terminal_columns();
/// Shows a line below the log, which stays there until another or, empty, none takes its place. For a terminal.
void show_below(std::string_view line);

template <typename... Args>
void debug(fmt::format_string<Args...> text, Args&&... args) {
    write(Level::debug, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void info(fmt::format_string<Args...> text, Args&&... args) {
    write(Level::info, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void warning(fmt::format_string<Args...> text, Args&&... args) {
    write(Level::warning, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void error(fmt::format_string<Args...> text, Args&&... args) {
    write(Level::error, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace patroni_pgbackrest::log
