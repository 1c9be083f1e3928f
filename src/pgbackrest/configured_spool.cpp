#include "pgbackrest/configured_spool.hpp"

#include "pgbackrest/option_in_force.hpp"
#include "system/failure.hpp"
#include "system/log.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <system_error>

namespace patroni_pgbackrest::pgbackrest {

namespace fs = std::filesystem;

namespace {

unsigned remove_entries(const fs::path& directory, std::error_code& error) {
    unsigned removed = 0;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
        fs::remove_all(entry->path(), error);
        if (error) {
            return removed;
        }
        ++removed;
    }
    return removed;
}

void empty(const fs::path& directory) {
    std::error_code error;
    const auto removed = remove_entries(directory, error);
    if (removed > 0) {
        log::info("{} files that an earlier archive-get or archive-push left in {} are removed", removed,
                  directory.string());
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        log::write(Problem{fmt::format("{} cannot be emptied: {}", directory.string(), error.message()),
                           "remove what is in it: what an old file there names is not archived, or not delivered as it "
                           "is in the archive; if PostgreSQL has archived meanwhile, take a backup"},
                   log::Level::warning);
    }
}

fs::path path_in(const std::optional<ConfiguredOption>& option) {
    return option ? option->values.front() : "/var/spool/pgbackrest";
}

std::set<fs::path> spools_of(const Pgbackrest& pgbackrest, bool may_lack_variable) {
    std::set<fs::path> spools;
    for (const char* command : {"archive-get", "archive-push"}) {
        spools.insert(path_in(option_in_force(pgbackrest, command, "spool-path")));
        if (may_lack_variable) {
            spools.insert(path_in(option_in_files(pgbackrest, command, "spool-path")));
        }
    }
    return spools;
}

/// A shell could expand it to anything.
bool is_plain(const std::string& word) {
    return !word.empty() && word.find_first_of("$`*?") == std::string::npos;
}

void add_directories(const fs::path& spool, const std::string& stanza, std::set<fs::path>& directories) {
    for (const char* directory : {"in", "out"}) {
        directories.insert(spool / "archive" / stanza / directory);
    }
}

}  // namespace

std::set<fs::path> configured_spools(const Pgbackrest& pgbackrest, const ArchiveCommand& command) {
    std::set<fs::path> directories;
    for (const auto& spool : spools_of(pgbackrest, command.may_lack_variable)) {
        add_directories(spool, pgbackrest.stanza, directories);
    }
    for (const auto& stanza : command.stanzas) {
        if (!is_plain(stanza) || stanza.find('/') != std::string::npos) {
            continue;
        }
        auto named = pgbackrest;
        named.stanza = stanza;
        if (command.configuration && is_plain(*command.configuration)) {
            named.configuration = *command.configuration;
        }
        auto spools = spools_of(named, command.may_lack_variable);
        std::copy_if(command.spool_paths.begin(), command.spool_paths.end(), std::inserter(spools, spools.end()),
                     is_plain);
        for (const auto& spool : spools) {
            add_directories(spool, stanza, directories);
        }
    }
    return directories;
}

fs::path configured_incoming(const Pgbackrest& pgbackrest) {
    return path_in(option_in_force(pgbackrest, "archive-get", "spool-path")) / "archive" / pgbackrest.stanza / "in";
}

void empty_incoming(const fs::path& incoming) {
    if (incoming.filename() == "in") {
        empty(incoming);
    }
}

void empty_configured_spools(const Pgbackrest& pgbackrest, const ArchiveCommand& command) {
    try {
        for (const auto& directory : configured_spools(pgbackrest, command)) {
            empty(directory);
        }
    } catch (const Failure& failure) {
        log::write(failure.problems().front(), log::Level::warning);
    }
}

}  // namespace patroni_pgbackrest::pgbackrest
