#include "system/log.hpp"

#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <string>
#include <sys/ioctl.h>
#include <unistd.h>

namespace patroni_pgbackrest::log {

namespace {

constexpr int log_schema = 1;  // a field that is removed, renamed or given another meaning changes it
Level lowest = Level::info;
Format chosen = Format::text;
std::string below;
constexpr std::string_view to_begin_of_empty_line = "\r\033[K";

constexpr std::array<std::string_view, 4> names = {"DEBUG", "INFO", "WARNING", "ERROR"};

struct LocalTime {
    std::tm local{};
    long milliseconds = 0;

    static LocalTime now() {
        timespec now{};
        clock_gettime(CLOCK_REALTIME, &now);
        LocalTime time;
        // localtime_r need not look at TZ itself (POSIX), so tzset does.
        tzset();
        localtime_r(&now.tv_sec, &time.local);
        time.milliseconds = now.tv_nsec / 1'000'000;
        return time;
    }
    /// `2026-11-22 07:28:41,902`, with `between` date and time, and `point` before the milliseconds.
    std::string text(char between, char point) const {
        return fmt::format("{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}{}{:03}", local.tm_year + 1900, local.tm_mon + 1,
                           local.tm_mday, between, local.tm_hour, local.tm_min, local.tm_sec, point, milliseconds);
    }
    /// `+01:00`
    std::string offset() const {
        const long minutes = std::labs(local.tm_gmtoff) / 60;
        return fmt::format("{}{:02}:{:02}", local.tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60);
    }
};

/// A child's output must neither begin a line that looks like ours nor move the cursor of a terminal.
void append(std::string& entry, std::string_view text) {
    for (std::size_t position = 0; position < text.size();) {
        const char character = text[position];
        const auto length = system::control_length(text, position);
        if (character == '\n') {
            entry += "\n  ";
        } else if (character == '\t' || length == 0) {
            entry += character;
        } else if (character != '\r') {
            entry += '?';
        }
        position += std::max<std::size_t>(length, 1);
    }
}

void write_to_stderr(std::string_view entry) {
    while (!entry.empty()) {
        const ssize_t written = ::write(STDERR_FILENO, entry.data(), entry.size());
        if (written > 0) {
            entry.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            pollfd writable{STDERR_FILENO, POLLOUT, 0};
            if (::poll(&writable, 1, 1000) == 0) {
                return;  // nobody reads it; losing a line is better than hanging
            }
        } else if (errno != EINTR) {
            return;
        }
    }
}

std::string text_entry(Level level, std::string_view text) {
    auto entry = fmt::format("{} {}: ", LocalTime::now().text(' ', ','), names[static_cast<std::size_t>(level)]);
    append(entry, text);
    return entry + '\n';
}

std::string json_entry(Level level, std::string_view text, const Fields& fields) {
    const auto now = LocalTime::now();
    nlohmann::ordered_json entry{{"schema", log_schema},
                                 {"time", now.text('T', '.') + now.offset()},
                                 {"level", system::lower(names[static_cast<std::size_t>(level)])},
                                 {"message", std::string(text)}};
    for (const auto& field : fields) {
        std::visit([&](const auto& value) { entry[field.first] = value; }, field.second);
    }
    return entry.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

void put(Level level, std::string_view text, const Fields& fields) {
    while (!text.empty() && text.back() == '\n') {
        text.remove_suffix(1);
    }
    auto entry = chosen == Format::json ? json_entry(level, text, fields) : text_entry(level, text);
    if (!below.empty()) {
        entry = fmt::format("{}{}{}", to_begin_of_empty_line, entry, below);
    }
    write_to_stderr(entry);
}

}  // namespace

std::optional<Level> parse_level(std::string_view name) {
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (system::lower(name) == system::lower(names[i])) {
            return static_cast<Level>(i);
        }
    }
    return std::nullopt;
}

void set_level(Level level) {
    lowest = level;
}

std::optional<Format> parse_format(std::string_view name) {
    return name == "text" ? std::optional(Format::text) : name == "json" ? std::optional(Format::json) : std::nullopt;
}

void set_format(Format format) {
    chosen = format;
}

Format format() {
    return chosen;
}

void write(Level level, std::string_view text, const Fields& fields) {
    if (level >= lowest) {
        put(level, text, fields);
    }
}

void write(const Problem& problem, Level level) {
    if (chosen == Format::text) {
        const auto message = problem.place.empty() ? problem.message : problem.place + ": " + problem.message;
        write(level, problem.hint.empty() ? message : message + "\nHINT: " + problem.hint);
        return;
    }
    Fields fields;
    if (!problem.place.empty()) {
        fields.emplace_back("place", problem.place);
    }
    if (!problem.hint.empty()) {
        fields.emplace_back("hint", problem.hint);
    }
    write(level, problem.message, fields);
}

void write_end(int code, std::string_view meaning) {
    put(code == 0 ? Level::info : Level::error, fmt::format("exit code {}: {}", code, meaning),
        {{"exit_code", std::int64_t{code}}});
}

std::optional<std::size_t> terminal_columns() {
    const char* const kind = std::getenv("TERM");
    const auto name = std::string_view(kind == nullptr ? "" : kind);
    if (chosen == Format::json || ::isatty(STDERR_FILENO) == 0 || name.empty() || name == "dumb") {
        return std::nullopt;
    }
    winsize size{};
    constexpr std::size_t usual_width = 80;
    const bool is_known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return is_known ? size.ws_col : usual_width;
}

void show_below(std::string_view line) {
    if (line.empty() && below.empty()) {
        return;
    }
    pollfd terminal{STDERR_FILENO, POLLOUT, 0};
    if (::poll(&terminal, 1, 0) == 0) {
        return;  // stopped (Ctrl-S): a restore does not wait for a bar
    }
    below.clear();
    append(below, line);
    write_to_stderr(fmt::format("{}{}", to_begin_of_empty_line, below));
}

}  // namespace patroni_pgbackrest::log
