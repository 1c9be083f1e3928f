#include "staging/hard_links.hpp"

#include "postgres/wal.hpp"
#include "system/interruption.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"

#include <fmt/format.h>
#include <string>
#include <sys/stat.h>
#include <system_error>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

/// PostgreSQL gives a new file of WAL its name with link() in some versions, and may die before the old one is removed.
bool may_be_left_by_postgres(const std::string& name) {
    return postgres::is_segment_name(name) || postgres::is_history_name(name) || name.starts_with("xlogtemp.");
}

bool has_another_name(const fs::path& path) {
    struct stat facts {};
    return ::lstat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_nlink > 1 &&
           !may_be_left_by_postgres(path.filename().string());
}

/// But for lost+found and the like, where this user writes nothing either. Nothing is in what is not there yet.
std::optional<fs::path> find_in(const fs::path& place) {
    std::error_code error;
    if (!fs::is_directory(place, error)) {
        return has_another_name(place) ? std::optional(place) : std::nullopt;
    }
    fs::recursive_directory_iterator entry(place, fs::directory_options::skip_permission_denied, error);
    for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
        interruption::check();
        if (has_another_name(entry->path())) {
            return entry->path();
        }
    }
    if (error) {
        throw system::refused("look through", place, error.value());
    }
    return std::nullopt;
}

std::string how_to_separate(const std::vector<fs::path>& places) {
    std::vector<std::string> words;
    for (const auto& place : places) {
        std::error_code error;
        if (fs::exists(place, error)) {
            words.push_back(system::shell_word(place.string()));
        }
    }
    return fmt::format("make its files its own: find -H {} -type f -links +1 -exec sh -c 'for f; do cp -p \"$f\" "
                       "\"$f.own\" && mv -f \"$f.own\" \"$f\"; done' sh {{}} +",
                       system::join(words, " "));
}

}  // namespace

std::optional<Problem> find_hard_link(const std::vector<fs::path>& places) {
    for (const auto& place : places) {
        if (const auto shared = find_in(place)) {
            return Problem{
                fmt::format("{} has another name elsewhere (a hard link), under which it would be changed as well",
                            shared->string()),
                how_to_separate(places)};
        }
    }
    return std::nullopt;
}

}  // namespace patroni_pgbackrest
