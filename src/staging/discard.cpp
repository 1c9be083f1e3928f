#include "staging/discard.hpp"

#include "patroni/data_directory.hpp"
#include "system/file.hpp"
#include "system/lock.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cctype>
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
    for (const auto& path : {layout.spool(), layout.pgbackrest_lock(), layout.failure(), layout.lock(),
                             layout.resume_lock(), layout.workspace / "postgresql.auto.conf", layout.journal()}) {
        fs::remove_all(path, ignored);
    }
    fs::remove(layout.workspace, ignored);
}

namespace {

/// `PG_15_202209061`
bool is_of_a_tablespace(const std::string& name) {
    const auto words = system::split(name, '_');
    const auto is_number = [](const std::string& word) {
        return !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) { return std::isdigit(c); });
    };
    return words.size() == 3 && words[0] == "PG" && is_number(words[1]) && is_number(words[2]);
}

void remove_tablespace(const fs::path& place) {
    for (const auto& name : system::entries(place)) {
        std::error_code error;
        if (is_of_a_tablespace(name) && fs::remove_all(place / name, error) > 0 && !error) {
            log::warning("{}: what the abandoned restore put there is removed", (place / name).string());
        }
    }
}

bool is_linked_from(const fs::path& data_directory, const fs::path& place) {
    const auto links = links_of(data_directory);
    return std::any_of(links.begin(), links.end(), [&](const fs::path& link) { return end_of(link) == place; });
}

}  // namespace

std::vector<Problem> empty_places(const Layout& layout, const Journal& journal) {
    std::vector<Problem> left;
    if (journal.phase >= Phase::handed_over) {
        return left;  // they are the cluster's that Patroni had
    }
    auto places = journal.places;
    places.add(made_places(layout.staging));
    const bool is_empty = patroni::is_empty_for_patroni(layout.data_directory);
    for (const fs::path place : places.owned().paths()) {
        if (server_with_place(place) || is_linked_from(layout.data_directory, place)) {
            continue;
        }
        if (is_empty) {
            remove_tablespace(place);
        }
        if (!system::is_empty_or_absent(place)) {
            left.push_back({fmt::format("{} holds what an abandoned restore put there, and pg_basebackup makes a "
                                        "replica in empty directories only",
                                        place.string()),
                            fmt::format("if nothing else uses it, run find {} -mindepth 1 -delete",
                                        system::shell_word(place.string()))});
        }
    }
    return left;
}

void discard_unfinished_restore(const Layout& layout) {
    const system::Lock lock(layout.lock());
    const auto journal = Journal::read(layout.journal());
    if (!journal || (journal->phase == Phase::handed_over && !journal->planning)) {
        return;
    }
    for (const auto& problem : empty_places(layout, *journal)) {
        log::write(problem, log::Level::warning);
    }
    std::error_code ignored;
    for (const auto& path : {layout.staging, layout.workspace}) {
        fs::remove_all(path, ignored);
    }
}

}  // namespace patroni_pgbackrest
