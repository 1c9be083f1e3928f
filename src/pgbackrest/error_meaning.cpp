#include "pgbackrest/error_meaning.hpp"

#include "pgbackrest/log_line.hpp"
#include "pgbackrest/printable.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <utility>

namespace patroni_pgbackrest::pgbackrest {

namespace {

constexpr std::size_t longest_text = 600;

/// One entry of pgBackRest's log, with its continuation lines and without hints.
struct Entry {
    log::Level level;
    std::string text;
};

std::vector<Entry> entries(std::string_view errors) {
    std::vector<Entry> result;
    for (const std::string& line : system::lines(errors)) {
        const auto parsed = parse_log_line(line);
        if (!parsed.continued) {
            result.push_back({parsed.level, parsed.text});
        } else if (!result.empty() && !parsed.text.empty() && parsed.text.substr(0, 5) != "HINT:") {
            result.back().text += " " + parsed.text;
        }
    }
    return result;
}

/// `[049]: ` only repeats the code before it.
std::string without_code(const std::string& text) {
    const auto end = text.find("]: ");
    const bool there = !text.empty() && text.front() == '[' && end != std::string::npos && end <= 4;
    return there ? text.substr(end + 3) : text;
}

bool is_about_repository(const std::string& text) {
    return text.find("Error] ") != std::string::npos;
}

std::string shortened(std::string text) {
    if (text.size() <= longest_text) {
        return text;
    }
    text.resize(longest_text);
    // Not in the middle of a character.
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0x80U) != 0) {
        text.pop_back();
    }
    return text + "...";
}

/// The kernel, or what watches over the process, kept it from running: the program itself may well be there.
bool is_refused(const process::NotStarted& not_started) {
    return not_started.may_pass() || not_started.error == EPERM;
}

/// pgBackRest's exit code is in the message already. If it was killed by a signal, or is missing, there is no text of
/// pgBackRest's.
ErrorMeaning meaning_of_outcome(const process::Outcome& outcome, const std::string& errors) {
    if (const auto* exited = std::get_if<process::Exited>(&outcome)) {
        return meaning_of_error(exited->code, errors);
    }
    const auto* not_started = std::get_if<process::NotStarted>(&outcome);
    if (not_started != nullptr && is_refused(*not_started)) {
        return {0, "", not_started->may_pass(), ExitCode::system_refused, ""};  // the hint is in failure_of
    }
    if (not_started != nullptr) {
        return {0, "", false, ExitCode::preflight_refused,
                "install pgBackRest 2.33 or later, or name its program with the option pgbackrest"};
    }
    if (std::holds_alternative<process::Stalled>(outcome)) {
        return {0, "", true, ExitCode::repository_unreachable,
                "pgBackRest made no progress any more; see whether the repository answers, the next run continues"};
    }
    return {0, "", true, ExitCode::pgbackrest_failed,
            "somebody ended pgBackRest, or the kernel did when memory ran out (dmesg tells); the next run continues"};
}

/// As lasting, when it is.
Failure marked(Failure failure, const ErrorMeaning& meaning) {
    const bool lasts = !meaning.may_pass && meaning.exit_code != ExitCode::system_refused;
    return lasts ? failure.lasting() : failure;
}

}  // namespace

bool may_pass(const process::Outcome& outcome, std::string_view errors) {
    return !process::succeeded(outcome) && meaning_of_outcome(outcome, std::string(errors)).may_pass;
}

std::string what_happened(const process::Outcome& outcome) {
    std::string result = "pgbackrest " + process::describe(outcome);
    const auto* exited = std::get_if<process::Exited>(&outcome);
    if (exited != nullptr && meaning_of_error(exited->code).code == exited->code) {
        result += fmt::format(" ({})", meaning_of_error(exited->code).name);
    }
    return result;
}

std::string error_text(std::string_view errors) {
    std::vector<std::string> words;
    std::vector<std::string> about_repositories;
    std::string last;
    for (const Entry& entry : entries(errors)) {
        last = entry.text;
        if (entry.level == log::Level::error) {
            words.push_back(without_code(entry.text));
        } else if (entry.level == log::Level::warning && is_about_repository(entry.text)) {
            about_repositories.push_back(entry.text);
        }
    }
    if (words.empty() && about_repositories.empty() && !last.empty()) {
        words.push_back(last);
    }
    words.insert(words.end(), about_repositories.begin(), about_repositories.end());
    return shortened(redacted(printable(system::join(words, "; "))));
}

std::string errors_of(const process::Captured& captured) {
    const auto has_error = [](const std::string& text) {
        const auto found = entries(text);
        return std::any_of(found.begin(), found.end(),
                           [](const Entry& entry) { return entry.level == log::Level::error; });
    };
    return has_error(captured.errors) || !has_error(captured.output) ? captured.errors : captured.output;
}

Failure failure_of(const std::string& what, const process::Outcome& outcome, const std::string& errors) {
    const auto meaning = meaning_of_outcome(outcome, errors);
    const auto text = error_text(errors);
    const auto* not_started = std::get_if<process::NotStarted>(&outcome);
    const bool refused = not_started != nullptr && is_refused(*not_started);
    Failure failure(meaning.exit_code,
                    fmt::format("{} failed: {}{}{}", what, what_happened(outcome), text.empty() ? "" : ": ", text),
                    refused ? system::hint_for(not_started->error) : std::string(meaning.hint));
    return marked(std::move(failure), meaning);
}

std::optional<Failure> failure_of_absence(const std::string& what, const std::string& errors) {
    const auto meaning = meaning_of_absence(errors);
    if (!meaning) {
        return std::nullopt;
    }
    return marked({meaning->exit_code,
                   fmt::format("{} failed: pgbackrest exited with code 1, and not every repository could be asked: {}",
                               what, error_text(errors)),
                   std::string(meaning->hint)},
                  *meaning);
}

}  // namespace patroni_pgbackrest::pgbackrest
