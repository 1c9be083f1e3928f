#include "patroni/calling_patroni.hpp"

#include "patroni/configuration_files.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/machine.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <set>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace patroni_pgbackrest::patroni {

namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

bool is_python(const std::string& program) {
    const std::string name = fs::path(program).filename().string();
    return name.rfind("python", 0) == 0 || name.rfind("pypy", 0) == 0;
}

bool is_patroni_script(const std::string& word) {
    const fs::path path(word);
    return path.filename() == "patroni" || path.filename() == "patroni.py" ||
           (path.filename() == "__main__.py" && path.parent_path().filename() == "patroni");
}

/// Where the script's own arguments begin in a Python command line, after `patroni` or `-m patroni`.
std::optional<std::size_t> after_script(const Words& words) {
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (words[i] == "-m" && i + 1 < words.size()) {
            if (words[i + 1] == "patroni") {
                return i + 2;
            }
            break;
        }
        if (words[i] == "-X" || words[i] == "-W") {
            ++i;
        } else if (words[i].empty() || words[i].front() != '-') {
            return is_patroni_script(words[i]) ? std::optional(i + 1) : std::nullopt;
        }
    }
    // After another module (`-m coverage run … patroni.py`), only names that nothing else has count.
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (is_patroni_script(words[i]) && fs::path(words[i]).extension() == ".py") {
            return i + 1;
        }
    }
    return std::nullopt;
}

/// Options that make Patroni print something and exit (__main__.py, 2.0 to 4.1).
bool ends_at_once(const std::string& word) {
    static constexpr std::string_view prefixes[] = {"--validate", "--generate", "--version", "--help"};
    return word == "-h" || std::any_of(std::begin(prefixes), std::end(prefixes),
                                       [&](std::string_view prefix) { return word.rfind(prefix, 0) == 0; });
}

}  // namespace

std::optional<Words> patroni_arguments(const Words& command_line) {
    if (command_line.empty()) {
        return std::nullopt;
    }
    std::size_t first = 1;
    if (is_python(command_line.front())) {
        const std::optional<std::size_t> found = after_script(command_line);
        if (!found) {
            return std::nullopt;
        }
        first = *found;
    } else if (!is_patroni_script(command_line.front())) {
        return std::nullopt;
    }
    Words rest(command_line.begin() + static_cast<Words::difference_type>(first), command_line.end());
    if (std::any_of(rest.begin(), rest.end(), ends_at_once)) {
        return std::nullopt;
    }
    return rest;
}

std::optional<CallingPatroni> nearest_patroni(const std::vector<system::ProcessFacts>& ancestors) {
    for (const system::ProcessFacts& process : ancestors) {
        const std::optional<Words> arguments = patroni_arguments(process.arguments);
        if (!arguments) {
            continue;
        }
        CallingPatroni result{process.pid, {}};
        for (const auto& [name, value] : process.environment) {
            if (name.rfind("PATRONI_", 0) == 0) {
                result.source.environment[name] = value;
            }
        }
        const auto path = std::find_if(arguments->begin(), arguments->end(),
                                       [](const std::string& word) { return !word.empty() && word.front() != '-'; });
        if (path != arguments->end()) {
            result.source.path = (process.directory / *path).lexically_normal();
            // Patroni uses the environment if the given path does not exist (config.py).
            std::error_code error;
            if (fs::status(*result.source.path, error).type() == fs::file_type::not_found &&
                result.source.environment.count("PATRONI_CONFIGURATION") != 0) {
                result.source.path.reset();
            }
        }
        return result;
    }
    return std::nullopt;
}

std::optional<CallingPatroni> find_calling_patroni() {
    return nearest_patroni(system::ancestors());
}

std::optional<fs::path> changed_since_start(const fs::path& path, int pid) {
    constexpr std::int64_t fuzz = 2;  // of whole seconds, and of a file that was written just before
    const auto ticks = system::start_time_of(pid);
    if (ticks == 0) {
        return std::nullopt;
    }
    const auto after_boot = ticks / static_cast<unsigned long long>(::sysconf(_SC_CLK_TCK));
    const auto booted = std::time(nullptr) - system::Uptime::now().seconds;
    const auto started = booted + static_cast<std::int64_t>(after_boot);
    for (const auto& file : read_files(path)) {
        struct stat facts {};
        if (::stat(file.path.c_str(), &facts) == 0 && facts.st_ctim.tv_sec > started + fuzz) {
            return file.path;
        }
    }
    return std::nullopt;
}

std::optional<std::string> version_in(const std::string& version_file) {
    for (const std::string& line : system::lines(version_file)) {
        const auto start = line.find_first_of("'\"");
        if (line.starts_with("__version__ =") && start != std::string::npos) {
            return line.substr(start + 1, line.find_first_of("'\"", start + 1) - start - 1);
        }
    }
    return std::nullopt;
}

std::optional<std::string> version_of_patroni(int pid) {
    std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
    std::set<std::string> directories;
    for (std::string line; std::getline(maps, line);) {
        for (const std::string_view packages : {"/dist-packages/", "/site-packages/"}) {
            const auto start = line.find('/');
            const auto end = line.find(packages);
            if (end != std::string::npos) {
                directories.insert(line.substr(start, end + packages.size() - start));
            }
        }
    }
    for (const auto& directory : directories) {
        if (const auto file = system::read_file_if_present(directory + "patroni/version.py")) {
            return version_in(*file);
        }
    }
    return std::nullopt;
}

void require_supported_patroni(const std::string& version) {
    constexpr std::uint64_t oldest = 2;
    const auto major = system::number(version.substr(0, version.find('.')));
    if (major && *major < oldest) {
        throw Failure(ExitCode::preflight_refused, "Patroni " + version + " is not supported",
                      "use Patroni 2.0 or later");
    }
}

}  // namespace patroni_pgbackrest::patroni
