#include "patroni/read_by_patroni.hpp"

#include "process/child.hpp"
#include "system/text.hpp"

#include <fmt/format.h>
#include <fstream>
#include <string_view>
#include <system_error>

namespace patroni_pgbackrest::patroni {

namespace {

/// Which files config.py _load_config_path() reads (2.0 to 4.1). What PyYAML says of a value may hold the value, and
/// what it quotes, a tag or the name of an alias, may be one: only characters and its own words, '<scalar>', are shown.
constexpr auto reading_script = R"py(
import os, re
try:
    import patroni, yaml
except Exception:
    sys.exit(3)
path = sys.argv[1]
names = [path]
quoted = r"""('\\?.'|"'"|'<[a-z ]+>')|(['"]).*\2"""
if os.path.isdir(path):
    names = [os.path.join(path, name) for name in sorted(os.listdir(path)) if name.endswith(('.yml', '.yaml'))]
names = [name for name in names if os.path.isfile(name)]
for name in names:
    try:
        with open(name, encoding='utf-8') as file:
            yaml.safe_load(file)
    except Exception as error:
        mark = getattr(error, 'problem_mark', None)
        words = getattr(error, 'problem', None) or getattr(error, 'reason', None) or 'a value that is no ' \
            'date or number (%s)' % type(error).__name__
        shown = re.sub(quoted, lambda found: found.group(1) or '****', ' '.join(str(words).split()))
        print('%s\t%s\t%s' % (mark.line + 1 if mark else '', shown, os.path.basename(name)))
print('read' if names else 'nothing')
)py";

/// Python puts the working directory first, as an empty path, and of a script its own directory, where Patroni's image
/// has the package. Its options against the former, -I and -P, keep PYTHONPATH out as well, or are of 3.11. sys is a
/// part of the interpreter.
constexpr std::string_view as_of_script = R"py(
import sys
sys.path[:] = [path for path in [sys.argv.pop(1)] + sys.path if path]
)py";

constexpr std::string_view unreadable = "Patroni cannot read the file: ";

}  // namespace

std::optional<std::string> python_in(const std::filesystem::path& script) {
    std::ifstream file(script);
    std::string line;
    if (std::getline(file, line) && line.starts_with("#!")) {
        for (const auto& word : system::split(std::string_view(line).substr(2), ' ')) {  // `/usr/bin/env python3`, too
            if (std::filesystem::path(word).filename().string().starts_with("python")) {
                // An archive of modules (zipapp, pex) has a Patroni of its own, which nobody else can import.
                return std::getline(file, line) && line.starts_with("PK\x03\x04") ? std::nullopt : std::optional(word);
            }
        }
    }
    return std::nullopt;
}

process::Command python_of(const std::filesystem::path& patronictl, std::string_view script,
                           const std::vector<std::string>& arguments) {
    const auto python = python_in(patronictl);
    std::error_code error;
    const auto directory = std::filesystem::canonical(patronictl, error).parent_path();
    process::Command command{
        python.value_or("python3"),
        {"-c", std::string(as_of_script) + std::string(script), python ? directory.string() : std::string()}};
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    return command;
}

std::optional<std::vector<Problem>> problems_of_patroni_reading(const std::filesystem::path& path,
                                                                std::chrono::seconds limit) {
    const auto patronictl = process::find_executable("patronictl");
    if (!patronictl) {
        return std::nullopt;
    }
    const auto result = process::capture(python_of(*patronictl, reading_script, {path.string()}), limit);
    auto lines = system::lines(result.output);
    if (!process::succeeded(result.outcome) || lines.empty() || lines.back() != "read") {
        return std::nullopt;
    }
    lines.pop_back();
    std::vector<Problem> problems;
    for (const auto& line : lines) {
        const auto parts = system::split(line, '\t');
        if (parts.size() == 3) {
            problems.push_back({fmt::format("{}{}", unreadable, parts[1]),
                                "correct the line, which is not shown because it may hold a password",
                                parts[0].empty() ? parts[2] : parts[2] + ":" + parts[0]});
        }
    }
    return problems;
}

std::vector<Problem> problems_of_ours(std::vector<Problem> problems) {
    for (auto& problem : problems) {
        for (const std::string_view words : {unreadable, std::string_view("broken YAML: ")}) {
            if (problem.message.starts_with(words)) {
                problem.message =
                    "Patroni reads the file, and this program does not: " + problem.message.substr(words.size());
                problem.hint = "write the line in a plainer way, which both read";
            }
        }
    }
    return problems;
}

}  // namespace patroni_pgbackrest::patroni
