#include "staging/hard_links.hpp"

#include "system/interruption.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <map>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <utility>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

struct Linked {
    fs::path path;
    nlink_t names_left;  ///< that were not met yet
};
/// By device and inode.
using LinkedFiles = std::map<std::pair<dev_t, ino_t>, Linked>;

void note(const fs::path& path, LinkedFiles& files) {
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_nlink > 1) {
        const auto file = files.try_emplace({facts.st_dev, facts.st_ino}, Linked{path, facts.st_nlink}).first;
        --file->second.names_left;
    }
}

/// But for lost+found and the like, where this user writes nothing either.
void look_through(const fs::path& directory, LinkedFiles& files) {
    std::error_code error;
    fs::recursive_directory_iterator entry(directory, fs::directory_options::skip_permission_denied, error);
    for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
        interruption::check();
        note(entry->path(), files);
    }
    if (error) {
        throw system::refused("look through", directory, error.value());
    }
}

std::string how_to_separate(const std::vector<fs::path>& directories) {
    std::vector<std::string> words;
    std::transform(directories.begin(), directories.end(), std::back_inserter(words),
                   [](const fs::path& directory) { return system::shell_word(directory.string()); });
    return fmt::format("make its files its own: find {} -type f -links +1 -exec sh -c 'for f; do cp -p \"$f\" "
                       "\"$f.own\" && mv -f \"$f.own\" \"$f\"; done' sh {{}} +",
                       system::join(words, " "));
}

}  // namespace

std::optional<Problem> find_hard_link(const std::vector<fs::path>& directories) {
    LinkedFiles files;
    for (const auto& directory : directories) {
        look_through(directory, files);
    }
    const auto shared =
        std::find_if(files.begin(), files.end(), [](const auto& file) { return file.second.names_left > 0; });
    if (shared == files.end()) {
        return std::nullopt;
    }
    return Problem{fmt::format("{} has another name elsewhere (a hard link), under which it would be changed as well",
                               shared->second.path.string()),
                   how_to_separate(directories)};
}

}  // namespace patroni_pgbackrest
