#include "system/text.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

namespace patroni_pgbackrest::system {

namespace {

/// Edits (insert, delete, replace, swap of neighbours) that turn one word into the other; `limit` if it takes more.
std::size_t edits(std::string_view one, std::string_view other, std::size_t limit) {
    if (std::max(one.size(), other.size()) - std::min(one.size(), other.size()) >= limit) {
        return limit;
    }
    std::vector<std::size_t> before_last(other.size() + 1), last(other.size() + 1), current(other.size() + 1);
    for (std::size_t j = 0; j <= other.size(); ++j) {
        last[j] = j;
    }
    for (std::size_t i = 1; i <= one.size(); ++i) {
        current[0] = i;
        for (std::size_t j = 1; j <= other.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1);
            current[j] = std::min({last[j] + 1, current[j - 1] + 1, replaced});
            const bool swapped = i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1];
            if (swapped) {
                current[j] = std::min(current[j], before_last[j - 2] + 1);
            }
        }
        before_last.swap(last);
        last.swap(current);
        // A swap reaches back over one row.
        if (*std::min_element(last.begin(), last.end()) >= limit &&
            *std::min_element(before_last.begin(), before_last.end()) >= limit) {
            return limit;
        }
    }
    return last[other.size()];
}

constexpr std::string_view white_space = " \t\r\n\f\v";

}  // namespace

std::string_view trim(std::string_view text) {
    const std::size_t first = text.find_first_not_of(white_space);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (true) {
        const std::size_t end = text.find(separator);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

std::vector<std::string> lines(std::string_view text) {
    auto all = split(text, '\n');
    if (all.back().empty()) {
        all.pop_back();
    }
    return all;
}

std::string join(const std::vector<std::string>& words, std::string_view separator) {
    std::string joined;
    for (const std::string& word : words) {
        if (&word != &words.front()) {
            joined += separator;
        }
        joined += word;
    }
    return joined;
}

std::string lower(std::string_view text) {
    std::string lowered(text);
    for (char& character : lowered) {
        if (character >= 'A' && character <= 'Z') {
            character = static_cast<char>(character - 'A' + 'a');
        }
    }
    return lowered;
}

std::optional<std::vector<std::string>> shell_words(std::string_view text) {
    std::vector<std::string> words;
    std::optional<std::string> word;
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char character = text[i];
        const bool escape = character == '\\' && quote != '\'';
        if (escape) {
            if (++i == text.size()) {
                return std::nullopt;
            }
            word = word.value_or("");
            // Inside double quotes, shlex keeps a backslash before anything but a quote and a backslash, even before
            // `$`.
            if (quote == '"' && text[i] != '"' && text[i] != '\\') {
                *word += '\\';
            }
            *word += text[i];
        } else if (quote != 0) {
            if (character == quote) {
                quote = 0;
            } else {
                *word += character;
            }
        } else if (character == '\'' || character == '"') {
            quote = character;
            word = word.value_or("");
        } else if (std::string_view(" \t\r\n").find(character) != std::string_view::npos) {
            if (word) {
                words.push_back(*std::exchange(word, std::nullopt));
            }
        } else {
            word = word.value_or("") + character;
        }
    }
    if (quote != 0) {
        return std::nullopt;
    }
    if (word) {
        words.push_back(*word);
    }
    return words;
}

std::optional<std::uint64_t> number(std::string_view text, int base) {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value, base);
    if (error != std::errc{} || rest != end || text.empty()) {
        return std::nullopt;
    }
    return value;
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates) {
    std::optional<std::string> best;
    std::size_t fewest = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const std::string& candidate : candidates) {
        const std::size_t distance = edits(word, candidate, fewest);
        if (distance < fewest) {
            fewest = distance;
            best = candidate;
        }
    }
    return best;
}

std::string valid_utf8(const std::string& text) {
    using nlohmann::json;
    return json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::replace)).get<std::string>();
}

std::size_t control_length(std::string_view text, std::size_t position) {
    const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0xFFU; };
    if (byte(position) < 0x20 || byte(position) == 0x7F) {
        return 1;
    }
    return byte(position) == 0xC2 && byte(position + 1) >= 0x80 && byte(position + 1) <= 0x9F ? 2 : 0;
}

std::string on_one_line(std::string_view text) {
    std::string line;
    for (std::size_t position = 0; position < text.size();) {
        const auto length = control_length(text, position);
        line += length > 0 ? ' ' : text[position];
        position += std::max<std::size_t>(length, 1);
    }
    return line;
}

std::string fingerprint(std::string_view text) {
    return fmt::format("{:x}", std::hash<std::string_view>{}(text));
}

std::string size_text(std::uint64_t bytes) {
    constexpr std::uint64_t megabyte = 1'000'000;
    constexpr double gigabyte = 1e9;
    return bytes < 1000 * megabyte ? fmt::format("{} MB", bytes / megabyte)
                                   : fmt::format("{:.1f} GB", static_cast<double>(bytes) / gigabyte);
}

std::string newer_file(std::string_view file, std::string_view word, std::uint64_t written, std::uint64_t known) {
    return fmt::format("{} has {} {}, and this program reads {} {} and older", file, word, written, word, known);
}

std::string shell_word(std::string_view word) {
    constexpr std::string_view harmless = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
    if (!word.empty() && word.find_first_not_of(harmless) == std::string_view::npos) {
        return std::string(word);
    }
    std::string quoted = "'";
    for (const char character : word) {
        quoted += character == '\'' ? "'\\''" : std::string(1, character);
    }
    return quoted + '\'';
}

}  // namespace patroni_pgbackrest::system
