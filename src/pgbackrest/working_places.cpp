#include "pgbackrest/working_places.hpp"

#include "pgbackrest/option_in_force.hpp"
#include "process/launch.hpp"
#include "system/write_wall.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <ios>
#include <iterator>
#include <pwd.h>
#include <set>
#include <string>
#include <string_view>
#include <sys/xattr.h>
#include <system_error>
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

/// What one command takes for one stanza; lines in no section count before all others.
struct Call {
    std::string stanza, command;

    std::optional<std::string> value(const std::string& key, const std::vector<ConfigurationLine>& lines) const {
        for (const auto& section :
             {std::string(), stanza + ":" + command, stanza, "global:" + command, std::string("global")}) {
            const auto found = std::find_if(lines.begin(), lines.end(), [&](const ConfigurationLine& line) {
                return line.section == section && line.key == key;
            });
            if (found != lines.end()) {
                return found->value;
            }
        }
        return std::nullopt;
    }
};

/// Restores of the stanza, and whatever else has a section of its own.
std::vector<Call> calls_in(const std::vector<ConfigurationLine>& lines, const std::string& stanza) {
    std::set<std::string> stanzas{stanza}, commands{"restore"};
    for (const auto& line : lines) {
        const auto colon = line.section.find(':');
        if (const auto name = line.section.substr(0, colon); !name.empty() && name != "global") {
            stanzas.insert(name);
        }
        if (colon != std::string::npos) {
            commands.insert(line.section.substr(colon + 1));
        }
    }
    std::vector<Call> calls;
    for (const auto& each : stanzas) {
        std::transform(commands.begin(), commands.end(), std::back_inserter(calls), [&](const std::string& command) {
            return Call{each, command};
        });
    }
    return calls;
}

/// Where one of these calls has a repository on this machine.
std::set<std::string> local_repositories(const std::vector<ConfigurationLine>& lines, const std::vector<Call>& calls) {
    std::set<std::string> names, paths;
    for (const auto& line : lines) {
        names.emplace(repository_in(line.key, "-path"));
    }
    names.erase("");
    for (const auto& name : names) {
        for (const auto& call : calls) {
            const auto path = call.value(name + "-path", lines);
            if (path && !call.value(name + "-host", lines) &&
                is_file_system(call.value(name + "-type", lines).value_or("posix"))) {
                paths.insert(*path);
            }
        }
    }
    return paths;
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

/// Whether this command reaches the repository through an ssh that it starts.
bool starts_ssh(const Pgbackrest& pgbackrest, const std::string& command, unsigned repository) {
    return in_force(pgbackrest, command, repository, "host") &&
           in_force(pgbackrest, command, repository, "host-type").value_or("ssh") == "ssh";
}

/// This one, or all that are configured.
std::set<unsigned> repositories_of(const Pgbackrest& pgbackrest, std::optional<unsigned> repository) {
    auto repositories = repository ? std::set<unsigned>{*repository} : configured_repositories(pgbackrest);
    if (repositories.empty()) {
        repositories.insert(1);
    }
    return repositories;
}

/// By its mode, or by capabilities of its own (setcap(8)), which a filter takes away as well (PR_SET_NO_NEW_PRIVS).
bool is_setuid(const std::filesystem::path& program) {
    using std::filesystem::perms;
    std::error_code error;
    const auto mode = std::filesystem::status(program, error).permissions();
    return (mode & (perms::set_uid | perms::set_gid)) != perms::none ||
           ::getxattr(program.c_str(), "security.capability", nullptr, 0) > 0;
}

/// Whether an interpreter runs it, and so what else it starts is not known. True of what cannot be read.
bool is_script(const std::filesystem::path& program) {
    std::ifstream file(program, std::ios::binary);
    constexpr std::streamsize length = 2;
    std::array<char, length> begin{};
    return !file.read(begin.data(), length) || begin == std::array{'#', '!'};
}

/// Of what is passed with every command, its environment and its files: what comes first counts.
std::vector<ConfigurationLine> all_lines(const Pgbackrest& pgbackrest) {
    std::vector<ConfigurationLine> lines;
    for (const auto& option : pgbackrest.common) {
        lines.push_back({"", option.name, option.value, ""});
    }
    for (const auto& more : {environment_options(), read_configuration(pgbackrest)}) {
        lines.insert(lines.end(), more.begin(), more.end());
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

std::vector<std::filesystem::path> places_in(const std::vector<ConfigurationLine>& lines, const std::string& stanza) {
    std::vector<std::filesystem::path> places{"/var/lib/pgbackrest", "/var/spool/pgbackrest", "/tmp/pgbackrest",
                                              "/var/log/pgbackrest"};
    auto named = local_repositories(lines, calls_in(lines, stanza));
    for (const auto& line : lines) {
        if (line.key == "spool-path" || line.key == "lock-path" || line.key == "log-path") {
            named.insert(line.value);
        }
    }
    for (const std::filesystem::path path : named) {
        if (path.is_absolute() && path.has_relative_path()) {
            places.push_back(path);
        }
    }
    return places;
}

std::vector<std::filesystem::path> places_of_pgbackrest(const Pgbackrest& pgbackrest) {
    return places_in(all_lines(pgbackrest), pgbackrest.stanza);
}

bool reads_over_network(const Pgbackrest& pgbackrest, const std::string& command, std::optional<unsigned> repository) {
    const auto repositories = repositories_of(pgbackrest, repository);
    return std::any_of(repositories.begin(), repositories.end(),
                       [&](unsigned number) { return is_elsewhere(pgbackrest, command, number); });
}

bool may_need_privileges(const Pgbackrest& pgbackrest, const std::string& command, std::optional<unsigned> repository) {
    const auto program = process::find_executable(pgbackrest.program).value_or(std::filesystem::path());
    const auto repositories = repositories_of(pgbackrest, repository);
    return is_setuid(program) || is_script(program) ||
           std::any_of(repositories.begin(), repositories.end(),
                       [&](unsigned number) { return starts_ssh(pgbackrest, command, number); });
}

bool may_need_privileges_left(const Pgbackrest& pgbackrest, const std::string& command,
                              std::optional<unsigned> repository) {
    return system::landlock_version() == 0 && may_need_privileges(pgbackrest, command, repository);
}

}  // namespace patroni_pgbackrest::pgbackrest
