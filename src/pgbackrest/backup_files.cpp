#include "pgbackrest/backup_files.hpp"

#include "process/child.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace patroni_pgbackrest::pgbackrest {

std::optional<std::set<std::string>> top_files_in(std::string_view manifest) {
    constexpr std::string_view section = "\n[target:file]\n";
    constexpr std::string_view directory = "pg_data/";
    const auto begin = manifest.find(section);
    if (begin == std::string_view::npos) {
        return std::nullopt;
    }
    manifest.remove_prefix(begin + section.size());
    std::set<std::string> names;
    while (!manifest.empty() && manifest.front() != '[') {
        const auto line = manifest.substr(0, manifest.find('\n'));
        manifest.remove_prefix(std::min(line.size() + 1, manifest.size()));
        const auto name = line.substr(0, line.find("={"));
        if (name.starts_with(directory) && name.find('/', directory.size()) == std::string_view::npos) {
            names.emplace(name.substr(directory.size()));
        }
    }
    return names;
}

std::optional<std::set<std::string>> top_files_of(const Pgbackrest& pgbackrest, const Backup& backup) {
    const auto path = fmt::format("backup/{}/{}/backup.manifest", pgbackrest.stanza, backup.label);
    const auto manifest =
        process::capture(pgbackrest.data_command("repo-get", {{"repo", std::to_string(backup.repository)}}, {path}));
    return process::succeeded(manifest.outcome) ? top_files_in(manifest.output) : std::nullopt;
}

}  // namespace patroni_pgbackrest::pgbackrest
