#include "staging/places.hpp"

#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <set>
#include <sys/stat.h>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

/// Tells one directory from another at the same place, also after a reboot: the roots of two file systems may have one
/// inode number. Empty for what is no directory, as the end of a file link, which may be replaced.
std::optional<std::string> birth_of(const fs::path& directory) {
    struct statx facts {};
    if (::statx(AT_FDCWD, directory.c_str(), 0, STATX_TYPE | STATX_INO | STATX_BTIME, &facts) != 0 ||
        !S_ISDIR(facts.stx_mode)) {
        return std::nullopt;
    }
    const bool known = (facts.stx_mask & STATX_BTIME) != 0;
    return fmt::format("{} {}.{:09}", facts.stx_ino, known ? facts.stx_btime.tv_sec : 0,
                       known ? facts.stx_btime.tv_nsec : 0);
}

}  // namespace

std::vector<fs::path> places_outside(const Journal& journal) {
    return {journal.outside.begin(), journal.outside.end()};
}

void claim_places(Journal& journal, const std::vector<fs::path>& outside) {
    auto known = journal.outside;
    for (const auto& directory : outside) {
        const bool is_known = std::find(known.begin(), known.end(), directory.string()) != known.end();
        const auto seen = journal.births.find(directory.string());
        const bool ours = is_known && (seen == journal.births.end() || seen->second == birth_of(directory));
        if (!ours && !system::is_empty_or_absent(directory)) {
            throw Failure(
                ExitCode::unsafe,
                fmt::format("{} is not empty, and the backup has a tablespace or a link there", directory.string()),
                "move what is in it away, or give the restore another place with tablespace-map or link-map");
        }
        if (!is_known) {
            known.push_back(directory.string());
        }
        if (!ours) {
            journal.births.erase(directory.string());
        }
    }
    journal.outside = known;
}

void note_births(Journal& journal) {
    for (const auto& directory : journal.outside) {
        if (const auto birth = birth_of(directory)) {
            journal.births.emplace(directory, *birth);
        }
    }
}

std::string boot_of(const std::vector<fs::path>& places) {
    const auto content = system::read_file_if_present("/proc/sys/kernel/random/boot_id");
    if (!content) {
        return {};
    }
    std::set<std::string> mounted;
    for (const auto& place : places) {
        mounted.insert(system::file_system_instance(place));
    }
    mounted.erase("");
    std::vector<std::string> words{std::string(system::trim(*content))};
    words.insert(words.end(), mounted.begin(), mounted.end());
    return system::join(words, " ");
}

std::string boot_now(const Journal& journal, const Layout& layout) {
    auto places = places_outside(journal);
    places.push_back(layout.staging);
    return boot_of(places);
}

bool is_same_boot(const Journal& journal, const Layout& layout) {
    const auto now = boot_now(journal, layout);
    return !now.empty() && journal.boot == now;
}

}  // namespace patroni_pgbackrest
