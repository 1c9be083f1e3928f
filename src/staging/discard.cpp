#include "staging/discard.hpp"

#include "patroni/data_directory.hpp"
#include "process/process_tree.hpp"
#include "system/file.hpp"
#include "system/lock.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fmt/format.h>
#include <iterator>
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
    using namespace std::chrono_literals;
    std::error_code ignored;
    if (fs::exists(layout.spool(), ignored)) {
        // The guard's asynchronous archive-get outlives its server, and would make the spool again.
        process::try_to_end_processes_with("--spool-path=" + layout.spool().string(), 2s);
    }
    for (const auto& path : {layout.spool(), layout.pgbackrest_lock(), layout.failure(), layout.status(), layout.lock(),
                             layout.resume_lock(), layout.unfinished_status(), layout.kept_auto_conf(), layout.base(),
                             layout.unwanted_base(), layout.journal()}) {
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

/// Of what lies in a place, the directories of a tablespace of this version. One that the WAL made may have been put
/// beside somebody's files: PostgreSQL wants no more than that there is no such directory yet.
std::vector<std::string> own_directories(const fs::path& place, const fs::path& staging) {
    const auto version = system::read_file_if_present(staging / "PG_VERSION");
    const auto prefix = version ? fmt::format("PG_{}_", system::trim(*version)) : std::string("PG_");
    std::error_code error;
    std::vector<std::string> own;
    for (const auto& name : fs::is_directory(place, error) ? system::entries(place) : std::vector<std::string>()) {
        if (name.starts_with(prefix)) {
            own.push_back((place / name).string());
        }
    }
    return own;
}

std::string how_to_empty(const fs::path& place, const std::vector<std::string>& own) {
    if (own.empty()) {
        return fmt::format("if nothing else uses it, run find {} -mindepth 1 -delete",
                           system::shell_word(place.string()));
    }
    std::vector<std::string> words;
    std::transform(own.begin(), own.end(), std::back_inserter(words),
                   [](const std::string& path) { return system::shell_word(path); });
    return fmt::format("if nothing else uses it, run rm -r {}{}", system::join(words, " "),
                       own.size() == system::entries(place).size()
                           ? ""
                           : "; what else is there is not the restore's: move it elsewhere");
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
        const auto own = own_directories(place, layout.staging);
        if (own.empty() && !is_linked_from(layout.staging, place)) {
            continue;  // a tablespace's place to which nothing came
        }
        filled.push_back({fmt::format("{} holds what an abandoned restore put there, and pg_basebackup makes a replica "
                                      "in empty directories only",
                                      place.string()),
                          how_to_empty(place, own)});
    }
    return filled;
}

std::optional<Problem> kept_inside(const Layout& layout) {
    const auto& directory = layout.data_directory;
    std::error_code error;
    const bool is_empty = patroni::is_empty_for_patroni(directory);
    const auto journals = journals_of(directory);  // one may lie where no new one would by now
    const bool is_over = is_empty && std::none_of(journals.begin(), journals.end(),
                                                  [&](const fs::path& file) { return fs::exists(file, error); });
    std::vector<std::string> kept;
    for (const auto& name :
         fs::is_directory(directory, error) ? system::entries(directory) : std::vector<std::string>()) {
        if (name.starts_with(".given-up") || name.starts_with(".failed.d") || (is_over && name == ".restoring.d")) {
            kept.push_back(system::shell_word((directory / name).string()));
        }
    }
    if (kept.empty()) {
        return std::nullopt;
    }
    const auto paths = system::join(kept, " ");
    return Problem{paths + (is_empty
                                ? " of an earlier restore: pg_basebackup makes a replica in an empty directory only"
                                : " of an earlier restore: each backup of the data directory takes that along"),
                   fmt::format("if nothing in it is wanted, run rm -r {}; else move it out of {}", paths,
                               system::shell_word(directory.string()))};
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
