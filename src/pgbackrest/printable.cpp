#include "pgbackrest/printable.hpp"

#include "system/text.hpp"

#include <array>
#include <cstddef>

namespace patroni_pgbackrest::pgbackrest {

namespace {

bool is_continuation(std::string_view text, std::size_t position) {
    return position < text.size() && (static_cast<unsigned char>(text[position]) & 0xC0U) == 0x80U;
}

/// The length of the UTF-8 sequence at `position`; 0 if there is none. Overlong forms and surrogates are refused, as
/// the JSON parser refuses them.
std::size_t sequence_length(std::string_view text, std::size_t position) {
    const auto first = static_cast<unsigned char>(text[position]);
    const auto second = position + 1 < text.size() ? static_cast<unsigned char>(text[position + 1]) : 0U;
    if (first < 0x80) {
        return 1;
    }
    if (!is_continuation(text, position + 1)) {
        return 0;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        return 2;
    }
    if (!is_continuation(text, position + 2)) {
        return 0;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        return (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ? 0 : 3;
    }
    if (!is_continuation(text, position + 3) || first < 0xF0 || first > 0xF4) {
        return 0;
    }
    return (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F) ? 0 : 4;
}

bool is_control(std::string_view text, std::size_t position) {
    return text[position] != '\n' && text[position] != '\t' && system::control_length(text, position) > 0;
}

constexpr std::array secret_names = {"pass",    "password", "passphrase", "passwd",     "secret",
                                     "s3-key",  "token",    "azure-key",  "signature",  "sig",
                                     "gcs-key", "sas",      "access-key", "credential", "authorization"};

/// Whether the word that ends before an equals sign names a secret: `repo1-cipher-pass`, `X-Amz-Signature`,
/// `PGPASSWORD`.
bool names_secret(std::string_view word) {
    const auto name = system::lower(word);
    for (const std::string_view secret : secret_names) {
        if (name.size() >= secret.size() && name.compare(name.size() - secret.size(), secret.size(), secret) == 0) {
            return true;
        }
    }
    return false;
}

bool is_word(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '-' || character == '_';
}

std::size_t end_of_value(std::string_view text, std::size_t start) {
    if (start < text.size() && (text[start] == '\'' || text[start] == '"')) {
        const auto quote = text.find(text[start], start + 1);
        return quote == std::string_view::npos ? text.size() : quote + 1;
    }
    const auto end = text.find_first_of(" \t\r\n&;,'\"", start);
    return end == std::string_view::npos ? text.size() : end;
}

}  // namespace

std::string printable(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (std::size_t position = 0; position < text.size();) {
        const auto length = sequence_length(text, position);
        if (length == 0 || is_control(text, position)) {
            result += '?';
        } else {
            result += text.substr(position, length);
        }
        position += length == 0 ? 1 : length;
    }
    return result;
}

std::string redacted(std::string_view text) {
    std::string result;
    std::size_t copied = 0;
    for (std::size_t equals = text.find('='); equals != std::string_view::npos; equals = text.find('=', equals + 1)) {
        if (equals < copied) {
            continue;
        }
        std::size_t word = equals;
        while (word > 0 && is_word(text[word - 1])) {
            --word;
        }
        const auto end = end_of_value(text, equals + 1);
        if (end == equals + 1 || !names_secret(text.substr(word, equals - word))) {
            continue;
        }
        result += text.substr(copied, equals + 1 - copied);
        result += "<redacted>";
        copied = end;
    }
    result += text.substr(copied);
    return result;
}

}  // namespace patroni_pgbackrest::pgbackrest
