#include "staging/renamed_link.hpp"

#include "patroni/data_directory.hpp"
#include "staging/fate.hpp"
#include "staging/journal.hpp"
#include "staging/layout.hpp"
#include "staging/rejected_directory.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <fmt/format.h>
#include <string>
#include <system_error>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

/// Behind a name that is taken.
constexpr const char* time_behind_it = "_$(date +%Y-%m-%d-%H-%M-%S)";

bool is_free(const fs::path& name) {
    std::error_code error;
    return fs::symlink_status(name, error).type() == fs::file_type::not_found;
}

/// To a name of Patroni's, by which the next run knows it.
std::string how_to_rename(const RenamedLink& moved) {
    const auto end = moved.end.string();
    const auto failed = end + ".failed";
    return fmt::format(
        "give the directory the name that Patroni meant for it, and put the link back: rm {} && mv -T {} "
        "{} && ln -sT {} {}",
        system::shell_word(moved.link.string()), system::shell_word(end),
        is_free(failed) ? system::shell_word(failed) : system::shell_word(end) + time_behind_it,
        system::shell_word(end), system::shell_word(moved.data_directory.string()));
}

/// A mount point, or a directory around which nothing may be written, keeps its name.
std::string how_to_clear(const RenamedLink& moved) {
    const auto hidden = moved.end / ".failed.d";
    return fmt::format("put the link back, and what lies behind it out of the way: mv -T {} {} && aside={}{} && mkdir "
                       "\"$aside\" && find {} -mindepth 1 -maxdepth 1 ! -name '.*' ! -name lost+found -exec mv -t "
                       "\"$aside\" {{}} +",
                       system::shell_word(moved.link.string()), system::shell_word(moved.data_directory.string()),
                       system::shell_word(hidden.string()), is_free(hidden) ? "" : time_behind_it,
                       system::shell_word(moved.end.string()));
}

}  // namespace

std::optional<RenamedLink> find_renamed_link(const fs::path& data_directory) {
    std::error_code error;
    const auto configured = fs::absolute(system::without_last_slash(data_directory), error);
    for (const auto& entry : fs::directory_iterator(configured.parent_path(), error)) {
        const auto& path = entry.path();
        if (!is_patronis_name(path.filename().string(), configured.filename().string()) ||
            !fs::is_symlink(path, error)) {
            continue;
        }
        const auto end = fs::canonical(path, error);
        if (error) {
            continue;  // it leads nowhere
        }
        for (const auto& file : journals_of(end)) {
            const auto journal = Journal::read(file);
            if (journal && journal->phase == Phase::handed_over && journal->handed_over_is(end) &&
                patroni::is_empty_for_patroni(configured)) {
                return RenamedLink{configured, path, end, file.parent_path().parent_path() == end};
            }
        }
    }
    return std::nullopt;
}

Failure refusal_of(const RenamedLink& moved) {
    return Failure(
        ExitCode::unsafe,
        fmt::format("{} is now the symbolic link that {} was: Patroni gave up what was handed over, and renamed the "
                    "link and not the directory behind it, {}; what is known of that restore would not be found",
                    moved.link.string(), moved.data_directory.string(), moved.end.string()),
        (moved.inside ? how_to_clear(moved) : how_to_rename(moved)) + "; then start Patroni again");
}

void refuse_renamed_link(const fs::path& data_directory, const std::optional<patroni::Configuration>& patroni) {
    const auto moved = find_renamed_link(data_directory);
    if (!moved) {
        return;
    }
    const auto& end = moved->end;
    change_journal(choose_layout(end), [&](Journal& journal) {
        if (fate_of(journal, end, end.filename().string(), patroni) == Fate::given_up) {
            note_rejected_directory(journal, end);
        }
    });
    throw Failure(refusal_of(*moved));
}

}  // namespace patroni_pgbackrest
