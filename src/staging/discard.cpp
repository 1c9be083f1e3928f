#include "staging/discard.hpp"

#include "system/file.hpp"
#include "system/lock.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <string>
#include <system_error>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

void discard_plan(const Layout& layout) {
    const system::Lock lock(layout.lock());
    const auto journal = Journal::read(layout.journal());
    if (journal && journal->only_planned() && !fs::exists(layout.failure())) {
        discard_journal(layout);
    }
}

void discard_journal(const Layout& layout) {
    std::error_code ignored;
    for (const auto& path : {layout.spool(), layout.pgbackrest_lock(), layout.failure(), layout.status(), layout.lock(),
                             layout.resume_lock(), layout.unfinished_status(),
                             layout.workspace / "postgresql.auto.conf", layout.journal()}) {
        fs::remove_all(path, ignored);
    }
    fs::remove(layout.workspace, ignored);
}

namespace {

bool is_linked_from(const fs::path& data_directory, const fs::path& place) {
    const auto links = links_of(data_directory);
    return std::any_of(links.begin(), links.end(), [&](const fs::path& link) {
        std::error_code error;
        return end_of(link) == place || fs::equivalent(link, place, error);
    });
}

}  // namespace

std::vector<Problem> filled_places(const Layout& layout, const Journal& journal) {
    std::vector<Problem> filled;
    if (journal.phase >= Phase::handed_over) {
        return filled;  // they are the cluster's that Patroni had
    }
    auto places = journal.places;
    places.add(made_places(layout.staging));
    for (const fs::path place : places.owned().paths()) {
        if (system::is_empty_or_absent(place) || server_with_place(place) ||
            is_linked_from(layout.data_directory, place)) {
            continue;
        }
        filled.push_back({fmt::format("{} holds what an abandoned restore put there, and pg_basebackup makes a replica "
                                      "in empty directories only",
                                      place.string()),
                          fmt::format("if nothing else uses it, run find {} -mindepth 1 -delete",
                                      system::shell_word(place.string()))});
    }
    return filled;
}

void discard_unfinished_restore(const Layout& layout) {
    const system::Lock lock(layout.lock());
    const auto journal = Journal::read(layout.journal());
    if (!journal || (journal->phase == Phase::handed_over && !journal->planning)) {
        return;
    }
    for (const auto& problem : filled_places(layout, *journal)) {
        log::write(problem, log::Level::warning);
    }
    std::error_code ignored;
    for (const auto& path : {layout.staging, layout.workspace}) {
        fs::remove_all(path, ignored);
    }
}

}  // namespace patroni_pgbackrest
