#include "system/log.hpp"

#include "system/text.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <poll.h>
#include <string>
#include <sys/ioctl.h>
#include <unistd.h>

namespace patroni_pgbackrest::log {

namespace {

Level lowest = Level::info;
std::string below;
constexpr std::string_view to_begin_of_empty_line = "\r\033[K";

constexpr std::array<std::string_view, 4> names = {"DEBUG", "INFO", "WARNING", "ERROR"};

std::string timestamp() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    std::tm local{};
    // localtime_r need not look at TZ itself (POSIX), so tzset does.
    tzset();
    localtime_r(&now.tv_sec, &local);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02},{:03}", local.tm_year + 1900, local.tm_mon + 1,
                       local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec, now.tv_nsec / 1'000'000);
}

/// A child's output must neither begin a line that looks like ours nor move the cursor of a terminal.
void append(std::string& entry, std::string_view text) {
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (character == '\n') {
            entry += "\n  ";
        } else if (character == '\t' || (byte >= 0x20 && byte != 0x7f)) {
            entry += character;
        } else if (character != '\r') {
            entry += '?';
        }
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

void write(Level level, std::string_view text) {
    if (level < lowest) {
        return;
    }
    while (!text.empty() && text.back() == '\n') {
        text.remove_suffix(1);
    }
    auto entry = fmt::format("{} {}: ", timestamp(), names[static_cast<std::size_t>(level)]);
    append(entry, text);
    entry += '\n';
    if (!below.empty()) {
        entry = fmt::format("{}{}{}", to_begin_of_empty_line, entry, below);
    }
    write_to_stderr(entry);
}

void write(const Problem& problem, Level level) {
    std::string text = problem.place.empty() ? problem.message : problem.place + ": " + problem.message;
    if (!problem.hint.empty()) {
        text += "\nHINT: " + problem.hint;
    }
    write(level, text);
}

std::optional<std::size_t> terminal_columns() {
    const char* const kind = std::getenv("TERM");
    if (::isatty(STDERR_FILENO) == 0 || kind == nullptr || std::string_view(kind) == "dumb") {
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
