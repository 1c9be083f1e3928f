#pragma once

#include "system/failure.hpp"

#include <cstdint>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// Log lines that look like Patroni's: `2026-11-22 07:28:41,902 INFO: …`, or objects for a program, each written to
/// stderr in one piece.
namespace patroni_pgbackrest::log {

enum class Level { debug, info, warning, error };

std::optional<Level> parse_level(std::string_view name);
void set_level(Level level);

enum class Format {
    text,
    json,  ///< an object a line: docs/log.schema.json
};
std::optional<Format> parse_format(std::string_view name);
void set_format(Format format);
Format format();

/// What an entry tells a program besides its words, by the names in docs/log.schema.json. In text it is not shown.
using Fields = std::vector<std::pair<std::string, std::variant<std::string, std::int64_t, double>>>;

/// Writes one entry. Line breaks inside the text are kept and, in text, indented.
void write(Level level, std::string_view text, const Fields& fields = {});
/// `ERROR: place: message` and, on the next line, `HINT: hint`.
void write(const Problem& problem, Level level = Level::error);
/// With what the program ends, whatever the level is: `ERROR: exit code 9: refused for safety`.
void write_end(int code, std::string_view meaning);

/// The width of the terminal on which a line can be shown below the log; empty where stderr is none, or one that cannot
/// move its cursor (TERM=dumb), and where the log is for a program.
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
