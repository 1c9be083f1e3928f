#include "pgbackrest/configured_spool.hpp"

#include "pgbackrest/option_in_force.hpp"
#include "system/failure.hpp"
#include "system/log.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

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

/// A shell could expand it to anything.
bool is_plain(const std::string& word) {
    return !word.empty() && word.find_first_of("$`*?") == std::string::npos;
}

/// As the restored cluster's PostgreSQL calls it.
Pgbackrest of_postgresql(const ArchiveCommand& command) {
    Pgbackrest pgbackrest;
    for (const auto& option : command.configuration) {
        if (!is_plain(option.value)) {
            continue;
        }
        if (option.name == "config") {
            pgbackrest.configuration = option.value;
        } else {
            pgbackrest.common.push_back(option);
        }
    }
    return pgbackrest;
}

/// Each way in which it may be called, with its stanza.
std::vector<Pgbackrest> calls_of(const Pgbackrest& pgbackrest, const ArchiveCommand& command) {
    auto stanzas = command.stanzas;
    std::erase_if(stanzas,
                  [](const std::string& stanza) { return !is_plain(stanza) || stanza.find('/') != std::string::npos; });
    std::vector<Pgbackrest> calls{pgbackrest};
    const auto add = [&](Pgbackrest call, const std::string& stanza) {
        call.stanza = stanza;
        calls.push_back(std::move(call));
    };
    for (const auto& stanza : stanzas) {
        add(pgbackrest, stanza);
    }
    if (command.is_run) {
        for (const auto& stanza : stanzas.empty() ? std::vector{pgbackrest.stanza} : stanzas) {
            add(of_postgresql(command), stanza);
        }
    }
    if (!command.variables.empty()) {
        for (auto call : std::vector(calls)) {
            call.variables = command.variables;
            calls.push_back(std::move(call));
        }
    }
    return calls;
}

std::set<fs::path> directories_of(const Pgbackrest& call, const ArchiveCommand& command) {
    std::set<fs::path> spools;
    for (const char* verb : {"archive-get", "archive-push"}) {
        spools.insert(path_in(option_in_force(call, verb, "spool-path")));
    }
    const auto& named = command.stanzas;
    if (named.empty() || std::find(named.begin(), named.end(), call.stanza) != named.end()) {
        std::copy_if(command.spool_paths.begin(), command.spool_paths.end(), std::inserter(spools, spools.end()),
                     is_plain);
    }
    std::set<fs::path> directories;
    for (const auto& spool : spools) {
        for (const char* directory : {"in", "out"}) {
            directories.insert(spool / "archive" / call.stanza / directory);
        }
    }
    return directories;
}

}  // namespace

std::set<fs::path> configured_spools(const Pgbackrest& pgbackrest, const ArchiveCommand& command) {
    std::set<fs::path> directories;
    for (const auto& call : calls_of(pgbackrest, command)) {
        directories.merge(directories_of(call, command));
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
    std::set<fs::path> directories;
    std::set<std::string> told;
    for (const auto& call : calls_of(pgbackrest, command)) {
        try {
            directories.merge(directories_of(call, command));
        } catch (const Failure& failure) {
            if (told.insert(failure.what()).second) {
                log::write(failure.problems().front(), log::Level::warning);
            }
        }
    }
    for (const auto& directory : directories) {
        empty(directory);
    }
}

}  // namespace patroni_pgbackrest::pgbackrest
