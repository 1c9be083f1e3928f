#include "patroni/command_words.hpp"

#include "process/launch.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <system_error>

namespace patroni_pgbackrest::patroni {

namespace {

using Words = std::vector<std::string>;

constexpr std::string_view white_space = " \t\r\n";

/// A word as it is written, with its quotes.
struct RawWord {
    std::size_t begin, end;
    std::string text;  ///< without them
};

std::vector<RawWord> raw_words(const std::string& command) {
    std::vector<RawWord> words;
    std::size_t at = command.find_first_not_of(white_space);
    while (at < command.size()) {
        const std::size_t begin = at;
        char quote = 0;
        for (; at < command.size() && (quote != 0 || white_space.find(command[at]) == std::string_view::npos); ++at) {
            if (command[at] == '\\' && quote != '\'') {
                ++at;
            } else if (quote != 0) {
                quote = command[at] == quote ? '\0' : quote;
            } else if (command[at] == '"' || command[at] == '\'') {
                quote = command[at];
            }
        }
        at = std::min(at, command.size());
        const auto unquoted = system::shell_words(command.substr(begin, at - begin)).value_or(Words());
        words.push_back({begin, at, unquoted.empty() ? std::string() : unquoted.front()});
        at = command.find_first_not_of(white_space, at);
    }
    return words;
}

/// Whether a word gives the option, and whether its value is the next word.
bool gives(const std::string& word, std::string_view name) {
    return word.starts_with("--") && word.compare(2, name.size(), name) == 0 &&
           (word.size() == name.size() + 2 || word[name.size() + 2] == '=');
}

bool takes_next(const std::string& word, const std::string* next) {
    return word.find('=') == std::string::npos && next != nullptr && !next->starts_with("--");
}

bool is_program(const std::string& word, std::string_view program) {
    if (std::filesystem::path(word).filename() == program) {
        return true;
    }
    const auto file = file_of(word);
    std::error_code error;
    return file && std::filesystem::canonical(*file, error).filename() == program;
}

bool is_option(const std::string& word) {
    return word.starts_with("-");
}

/// What `env` takes for a variable.
bool is_assignment(const std::string& word) {
    constexpr std::string_view of_names = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    const auto sign = word.find('=');
    return sign != std::string::npos && sign > 0 && word.find_first_not_of(of_names) == sign &&
           (word.front() < '0' || word.front() > '9');
}

}  // namespace

Words command_words(const std::string& command) {
    Words words;
    for (auto& word : system::shell_words(command).value_or(Words())) {
        const bool is_line = !word.starts_with("-") && word.find_first_of(white_space) != std::string::npos;
        const auto inner = is_line ? command_words(word) : Words();
        if (inner.size() > 1) {
            words.insert(words.end(), inner.begin(), inner.end());
        } else {
            words.push_back(std::move(word));
        }
    }
    return words;
}

std::optional<std::filesystem::path> file_of(const std::string& word) {
    const std::filesystem::path path(word);
    std::error_code error;
    if (path.is_absolute()) {
        return std::filesystem::is_regular_file(path, error) ? std::optional(path) : std::nullopt;
    }
    const bool is_name = !word.empty() && word.front() != '-' && word.find_first_of("/= \t\n") == std::string::npos;
    return is_name ? process::find_executable(word) : std::nullopt;
}

Words words_from(const std::string& command, std::string_view program) {
    auto words = command_words(command);
    words.erase(words.begin(), std::find_if(words.begin(), words.end(),
                                            [&](const std::string& word) { return is_program(word, program); }));
    return words;
}

std::optional<CallOfUs> call_of_us(const Words& words, std::string_view verb) {
    CallOfUs call;
    for (auto word = words.begin(); word != words.end() && word + 1 != words.end(); ++word) {
        if (is_assignment(*word)) {
            call.variables.push_back(*word);
        } else if (*(word + 1) == verb && !is_option(*word) && is_program(*word, "patroni_pgbackrest")) {
            call.words.assign(word + 1, words.end());
            return call;
        } else if (!is_option(*word) && word->find_first_of(white_space) != std::string::npos) {
            return std::nullopt;
        }
    }
    return std::nullopt;
}

bool calls_us(const std::string& command, std::string_view verb) {
    return call_of_us(command_words(command), verb).has_value();
}

bool calls_pgbackrest(const std::string& command, std::string_view verb) {
    const auto words = words_from(command, "pgbackrest");
    return std::find(words.begin(), words.end(), verb) != words.end();
}

Words values_in(const Words& words, std::string_view name) {
    Words values;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (gives(words[i], name)) {
            const auto* next = i + 1 < words.size() ? &words[i + 1] : nullptr;
            values.push_back(words[i].size() > name.size() + 2 ? words[i].substr(name.size() + 3)
                             : takes_next(words[i], next)      ? *next
                                                               : std::string());
        }
    }
    return values;
}

std::optional<std::string> option_in(const Words& words, std::string_view name) {
    const auto values = values_in(words, name);
    return values.empty() ? std::nullopt : std::optional(values.back());
}

std::optional<std::string> without_options(const std::string& command, const Words& names) {
    std::string result = command;
    const auto words = raw_words(command);
    for (std::size_t i = words.size(); i-- > 0;) {
        const bool is_named =
            std::any_of(names.begin(), names.end(), [&](const auto& name) { return gives(words[i].text, name); });
        if (!is_named || i == 0) {
            continue;
        }
        const bool has_value = takes_next(words[i].text, i + 1 < words.size() ? &words[i + 1].text : nullptr);
        result.erase(words[i - 1].end, words[has_value ? i + 1 : i].end - words[i - 1].end);
    }
    const auto left = command_words(result);
    const bool is_done =
        std::none_of(names.begin(), names.end(), [&](const auto& name) { return option_in(left, name).has_value(); });
    return is_done ? std::optional(result) : std::nullopt;
}

bool CallOfUs::sets(std::string_view variable) const {
    return std::any_of(variables.begin(), variables.end(), [&](const std::string& word) {
        return word.starts_with(variable) && word.substr(variable.size()).starts_with('=');
    });
}

std::optional<std::string> with_option(const std::string& command, const std::string& name, const std::string& value) {
    std::string result = command;
    const auto words = raw_words(command);
    for (std::size_t i = words.size(); i-- > 0;) {
        if (gives(words[i].text, name)) {
            const bool has_value = takes_next(words[i].text, i + 1 < words.size() ? &words[i + 1].text : nullptr);
            result.replace(words[i].begin, words[has_value ? i + 1 : i].end - words[i].begin,
                           system::shell_word("--" + name + "=" + value));
        }
    }
    return option_in(command_words(result), name) == value ? std::optional(result) : std::nullopt;
}

}  // namespace patroni_pgbackrest::patroni
