#include "pgbackrest/working_places.hpp"

#include "pgbackrest/option_in_force.hpp"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <iterator>
#include <pwd.h>
#include <set>
#include <string>
#include <string_view>
#include <unistd.h>

namespace patroni_pgbackrest::pgbackrest {

namespace {

/// `repo2` of `repo2-path`, or of whatever ends like that; empty for any other option.
std::string_view repository_in(std::string_view key, std::string_view ending) {
    const bool is_one = key.starts_with("repo") && key.ends_with(ending);
    const auto name = is_one ? key.substr(0, key.size() - ending.size()) : std::string_view();
    return name.find('-') == std::string_view::npos ? name : std::string_view();
}

/// Of repo-type: the other ones are object stores and SFTP.
bool is_file_system(std::string_view type) {
    return type == "posix" || type == "cifs";
}

/// Whether one of the lines, whatever command it is for, puts this repository somewhere else.
bool may_be_elsewhere(std::string_view repository, const std::vector<ConfigurationLine>& lines) {
    return std::any_of(lines.begin(), lines.end(), [&](const ConfigurationLine& line) {
        return repository_in(line.key, "-host") == repository ||
               (repository_in(line.key, "-type") == repository && !is_file_system(line.value));
    });
}

/// What a command takes for an option of a repository.
std::optional<std::string> in_force(const Pgbackrest& pgbackrest, const std::string& command, unsigned repository,
                                    std::string_view option) {
    const auto name = fmt::format("repo{}-{}", repository, option);
    const auto passed = std::find_if(pgbackrest.common.begin(), pgbackrest.common.end(),
                                     [&](const Option& one) { return one.name == name; });
    if (passed != pgbackrest.common.end()) {
        return passed->value;
    }
    const auto configured = option_in_force(pgbackrest, command, name);
    return configured ? std::optional(configured->values.front()) : std::nullopt;
}

/// Whether this command reads the repository from somewhere else, by the options that are in force for it.
bool is_elsewhere(const Pgbackrest& pgbackrest, const std::string& command, unsigned repository) {
    return in_force(pgbackrest, command, repository, "host").has_value() ||
           !is_file_system(in_force(pgbackrest, command, repository, "type").value_or("posix"));
}

/// Of its files, its environment and what is passed with every command.
std::vector<ConfigurationLine> all_lines(const Pgbackrest& pgbackrest) {
    auto lines = read_configuration(pgbackrest);
    const auto variables = environment_options();
    lines.insert(lines.end(), variables.begin(), variables.end());
    for (const auto& option : pgbackrest.common) {
        lines.push_back({"", option.name, option.value, ""});
    }
    return lines;
}

}  // namespace

std::vector<std::filesystem::path> working_places(const Pgbackrest& pgbackrest) {
    std::vector<std::filesystem::path> places{"/var/log/pgbackrest"};
    if (const auto* path = std::getenv("PGBACKREST_LOG_PATH")) {
        places.emplace_back(path);
    }
    for (const auto& line : read_configuration(pgbackrest)) {
        if (line.key == "log-path") {
            places.emplace_back(line.value);
        }
    }
    // ssh asks the user database, not HOME.
    if (const auto* user = ::getpwuid(::geteuid())) {
        places.push_back(std::filesystem::path(user->pw_dir) / ".ssh");
    }
    return places;
}

std::vector<std::filesystem::path> places_in(const std::vector<ConfigurationLine>& lines) {
    std::vector<std::filesystem::path> places{"/var/lib/pgbackrest", "/var/spool/pgbackrest", "/tmp/pgbackrest",
                                              "/var/log/pgbackrest"};
    for (const auto& line : lines) {
        const auto repository = repository_in(line.key, "-path");
        const bool is_repository = !repository.empty() && !may_be_elsewhere(repository, lines);
        const bool is_other = line.key == "spool-path" || line.key == "lock-path" || line.key == "log-path";
        const std::filesystem::path path(line.value);
        if ((is_repository || is_other) && path.is_absolute() && path.has_relative_path()) {
            places.push_back(path);
        }
    }
    return places;
}

std::vector<std::filesystem::path> places_of_pgbackrest(const Pgbackrest& pgbackrest) {
    return places_in(all_lines(pgbackrest));
}

bool reads_over_network(const Pgbackrest& pgbackrest, const std::string& command, std::optional<unsigned> repository) {
    auto repositories = repository ? std::set<unsigned>{*repository} : configured_repositories(pgbackrest);
    if (repositories.empty()) {
        repositories.insert(1);
    }
    return std::any_of(repositories.begin(), repositories.end(),
                       [&](unsigned number) { return is_elsewhere(pgbackrest, command, number); });
}

}  // namespace patroni_pgbackrest::pgbackrest
