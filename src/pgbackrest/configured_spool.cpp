#include "pgbackrest/configured_spool.hpp"

#include "pgbackrest/option_in_force.hpp"
#include "system/failure.hpp"
#include "system/log.hpp"

#include <fmt/format.h>
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

}  // namespace

std::set<fs::path> configured_spools(const Pgbackrest& pgbackrest) {
    std::set<fs::path> spools;
    for (const char* command : {"archive-get", "archive-push"}) {
        const auto option = option_in_force(pgbackrest, command, "spool-path");
        const fs::path spool = option ? option->values.front() : "/var/spool/pgbackrest";
        for (const char* directory : {"in", "out"}) {
            spools.insert(spool / "archive" / pgbackrest.stanza / directory);
        }
    }
    return spools;
}

void empty_configured_spools(const Pgbackrest& pgbackrest) {
    try {
        for (const auto& directory : configured_spools(pgbackrest)) {
            empty(directory);
        }
    } catch (const Failure& failure) {
        log::write(failure.problems().front(), log::Level::warning);
    }
}

}  // namespace patroni_pgbackrest::pgbackrest
