#include "packaging/tables.hpp"

#include "checks/checks.hpp"
#include "commands/configure.hpp"
#include "request/options.hpp"
#include "system/exit_code.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <initializer_list>
#include <utility>
#include <vector>

namespace patroni_pgbackrest::packaging {

namespace {

constexpr std::array groups = {
    std::pair{OptionOwner::target, "What to restore"},
    std::pair{OptionOwner::ours, "How to work"},
    std::pair{OptionOwner::patroni, "Passed by Patroni"},
    std::pair{OptionOwner::pgbackrest, "Passed on to pgbackrest restore"},
};

std::string without_last_newline(std::string text) {
    if (text.ends_with('\n')) {
        text.pop_back();
    }
    return text;
}

std::string option_entry(const OptionDefinition& option) {
    const auto argument = option.argument.empty() ? std::string() : fmt::format("=\\fI{}\\fR", roff(option.argument));
    const auto repeated = option.kind == OptionKind::list ? " (may be repeated)" : "";
    return fmt::format(".TP\n\\fB\\-\\-{}\\fR{}\n{}\n", roff(option.name), argument,
                       roff(std::string(option.help) + repeated));
}

std::string bootstrap_entries() {
    std::string text;
    for (const auto& [owner, title] : groups) {
        text += fmt::format(".SS {}\n", title);
        for (const auto& option : bootstrap_options()) {
            if (option.owner == owner) {
                text += option_entry(option);
            }
        }
    }
    return without_last_newline(text);
}

std::string block_entries() {
    std::string text;
    for (const auto& option : commands::configurable_options()) {
        text += fmt::format(".B \\-\\-{}\n", roff(option.name));
    }
    return without_last_newline(text);
}

std::string configure_entries() {
    std::string text;
    for (const auto& option : commands::options_of_configure()) {
        text += option_entry(option);
    }
    return without_last_newline(text);
}

std::string exit_code_entries() {
    std::string text;
    for (const auto& entry : exit_code_table) {
        text += fmt::format(".TP\n.B {}\n{}\n", static_cast<int>(entry.code),
                            roff(fmt::format("{}: {}", entry.meaning, entry.what_next)));
    }
    return without_last_newline(text);
}

/// `--type= --target-exclusive`
std::string words(const std::vector<OptionDefinition>& options) {
    std::string text;
    for (const auto& option : options) {
        text +=
            fmt::format("{}--{}{}", text.empty() ? "" : " ", option.name, option.kind == OptionKind::flag ? "" : "=");
    }
    return text;
}

/// `--report | --pgbackrest-config`: the options that take an argument of one of these kinds.
std::string options_that_take(std::initializer_list<std::string_view> arguments) {
    std::string names;
    for (const auto& option : bootstrap_options()) {
        for (const auto argument : arguments) {
            if (option.argument == argument) {
                names += fmt::format("{}--{}", names.empty() ? "" : " | ", option.name);
            }
        }
    }
    return names;
}

}  // namespace

std::string wrapped(std::string_view text, std::size_t width, std::string_view line_break) {
    std::string lines;
    std::size_t column = 0;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        const auto word = text.substr(0, end);
        if (column > 0 && column + 1 + word.size() > width) {
            lines += line_break;
            column = 0;
        } else if (column > 0) {
            lines += ' ';
            column += 1;
        }
        lines += word;
        column += word.size();
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

std::string roff(std::string_view text) {
    constexpr std::size_t width = 72;  // some letters become two
    std::string escaped;
    for (const char letter : wrapped(text, width)) {
        const bool begins_line = escaped.empty() || escaped.back() == '\n';
        if (letter == '\\') {
            escaped += "\\e";
        } else if (letter == '-') {
            escaped += "\\-";
        } else if (begins_line && (letter == '.' || letter == '\'')) {
            escaped += "\\&";
            escaped += letter;
        } else {
            escaped += letter;
        }
    }
    return escaped;
}

Values manual_page_values(std::string_view date) {
    return {{"date", std::string(date)},
            {"version", PATRONI_PGBACKREST_VERSION},
            {"bootstrap_options", bootstrap_entries()},
            {"options_of_the_block", block_entries()},
            {"configure_options", configure_entries()},
            {"exit_codes", exit_code_entries()}};
}

Values completion_values() {
    return {
        {"bootstrap_words", words(bootstrap_options())},
        {"configure_words", words(commands::options_of_configure()) + " " + words(commands::configurable_options())},
        {"directory_options", options_that_take({"DIR"})},
        {"file_options", options_that_take({"FILE", "PATH", "PROGRAM"})}};
}

Values exit_code_values() {
    std::string rows;
    for (const auto& entry : exit_code_table) {
        rows += fmt::format("| {} | {} | {} | {} |\n", static_cast<int>(entry.code), entry.meaning,
                            entry.worth_another_try ? "yes" : "no", entry.what_next);
    }
    return {{"rows", without_last_newline(rows)}};
}

Values check_values() {
    std::string text;
    for (const auto& definition : check_table()) {
        text += (text.empty() ? "" : "\n") + explanation(definition);
    }
    return {{"checks", without_last_newline(text)}};
}

}  // namespace patroni_pgbackrest::packaging
