#include "postgres/configuration_line.hpp"

#include "system/text.hpp"

#include <algorithm>
#include <utility>

namespace patroni_pgbackrest::postgres {

namespace {

void skip_blanks(std::string_view& rest) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r"), rest.size()));
}

bool is_letter(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') || character == '_' ||
           static_cast<unsigned char>(character) >= 0x80;
}

bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

/// ID, or two with a dot between (settings of extensions); empty when `rest` does not begin with one.
std::string_view take_name(std::string_view& rest) {
    std::size_t length = 0;
    bool begins = true;
    for (const char character : rest) {
        if (begins ? !is_letter(character) : !is_letter(character) && !is_digit(character) && character != '.') {
            break;
        }
        begins = character == '.';
        ++length;
    }
    const auto name = rest.substr(0, length);
    rest.remove_prefix(length);
    return name;
}

bool is_octal(char character) {
    return character >= '0' && character <= '7';
}

/// What a backslash and the characters after it mean (DeescapeQuotedString in guc-file.l); `at` ends on the last of
/// them.
char unescaped(std::string_view text, std::size_t& at) {
    switch (text[at]) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        break;
    }
    if (!is_octal(text[at])) {
        return text[at];
    }
    unsigned code = 0;
    for (int digits = 0; digits < 3 && at < text.size() && is_octal(text[at]); ++digits, ++at) {
        code = code * 8 + static_cast<unsigned>(text[at] - '0');
    }
    --at;
    return static_cast<char>(code);
}

/// A string in single quotes; empty optional when it is not closed.
std::optional<std::string> take_quoted(std::string_view& rest) {
    std::string value;
    for (std::size_t at = 1; at < rest.size(); ++at) {
        if (rest[at] == '\\') {
            if (++at == rest.size()) {
                return {};
            }
            value += unescaped(rest, at);
        } else if (rest[at] != '\'') {
            value += rest[at];
        } else if (at + 1 < rest.size() && rest[at + 1] == '\'') {
            value += rest[at++];
        } else {
            rest.remove_prefix(at + 1);
            return value;
        }
    }
    return {};
}

std::optional<std::string> take_value(std::string_view& rest) {
    if (rest.empty()) {
        return {};
    }
    if (rest.front() == '\'') {
        return take_quoted(rest);
    }
    const auto word = rest.substr(0, rest.find_first_of(" \t\r#='"));
    rest.remove_prefix(word.size());
    if (word.empty()) {
        return {};
    }
    return std::string(word);
}

}  // namespace

ConfigurationLine ConfigurationLine::read(std::string_view line) {
    auto rest = without_line_end(line);
    skip_blanks(rest);
    ConfigurationLine result{system::lower(take_name(rest)), {}};
    if (result.name.empty()) {
        return result;
    }
    const bool separated =
        !rest.empty() && (rest.front() == ' ' || rest.front() == '\t' || rest.front() == '=' || rest.front() == '\'');
    if (!rest.empty() && !separated) {
        return {};
    }
    skip_blanks(rest);
    if (!rest.empty() && rest.front() == '=') {
        rest.remove_prefix(1);
    }
    skip_blanks(rest);
    auto value = take_value(rest);
    skip_blanks(rest);
    if (rest.empty() || rest.front() == '#') {
        result.value = std::move(value);
    }
    return result;
}

std::vector<std::string_view> whole_lines(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const auto length = std::min(text.find('\n'), text.size() - 1) + 1;
        lines.push_back(text.substr(0, length));
        text.remove_prefix(length);
    }
    return lines;
}

std::string_view without_line_end(std::string_view line) {
    if (!line.empty() && line.back() == '\n') {
        line.remove_suffix(1);
    }
    if (!line.empty() && line.back() == '\r') {
        line.remove_suffix(1);
    }
    return line;
}

}  // namespace patroni_pgbackrest::postgres
