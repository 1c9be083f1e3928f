#include "staging/renamed_link.hpp"

#include "patroni/data_directory.hpp"
#include "staging/discard.hpp"
#include "staging/fate.hpp"
#include "staging/journal.hpp"
#include "staging/rejected_directory.hpp"
#include "system/file.hpp"
#include "system/lock.hpp"
#include "system/log.hpp"
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

/// First of all: a link that leads to what was handed over loses nothing when the commands end there. A unit or an
/// entrypoint may have made an empty directory in its place meanwhile.
std::string how_to_put_back(const RenamedLink& moved) {
    const auto place = system::shell_word(moved.data_directory.string());
    std::error_code error;
    const bool is_taken = fs::is_directory(fs::symlink_status(moved.data_directory, error));
    return fmt::format("{}mv -T {} {}", is_taken ? "rmdir " + place + " && " : "",
                       system::shell_word(moved.link.string()), place);
}

/// To a name of Patroni's, by which the next run knows it. pg_basebackup and initdb make no directory behind a link
/// that leads nowhere, so there is a new one.
std::string how_to_rename(const RenamedLink& moved) {
    const auto end = system::shell_word(moved.end.string());
    const auto failed = moved.end.string() + ".failed";
    return fmt::format("as the user that runs Patroni, put the link back, and give what it leads to the name that "
                       "Patroni meant for it: {} && mv -T {} {} && mkdir -m 700 {}",
                       how_to_put_back(moved), end, is_free(failed) ? system::shell_word(failed) : end + time_behind_it,
                       end);
}

/// A mount point, or a directory around which nothing may be written, keeps its name.
std::string how_to_clear(const RenamedLink& moved) {
    const auto hidden = moved.end / ".failed.d";
    return fmt::format("as the user that runs Patroni, put the link back, and what lies behind it out of the way: {} "
                       "&& aside={}{} && mkdir \"$aside\" && find {} -mindepth 1 -maxdepth 1 ! -name '.*' ! -name "
                       "lost+found -exec mv -t \"$aside\" {{}} +",
                       how_to_put_back(moved), system::shell_word(hidden.string()),
                       is_free(hidden) ? "" : time_behind_it, system::shell_word(moved.end.string()));
}

/// But for what other hints have a person keep there.
std::string how_to_empty(const RenamedLink& moved) {
    return fmt::format("find {} -mindepth 1 -maxdepth 1 ! -name '.given-up*' ! -name '.failed.d*' ! -name lost+found "
                       "-exec rm -r {{}} +",
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

Problem warning_of(const RenamedLink& moved, const std::string& scope) {
    const auto link = moved.link.string(), end = moved.end.string(), place = moved.data_directory.string();
    Problem problem;
    problem.message = fmt::format("{} is now the symbolic link that {} was, and scope {} went on without what lies "
                                  "behind it, {}: Patroni makes a replica in a new directory in the link's place",
                                  link, place, scope, end);
    problem.hint = fmt::format("to have the replica behind the link, stop Patroni, move {} away if it is there by "
                               "then, empty it with {}, put the link back with mv -T {} {}, and start Patroni again",
                               place, how_to_empty(moved), system::shell_word(link), system::shell_word(place));
    return problem;
}

std::optional<Failure> refusal_for_room(const RenamedLink& moved, const std::string& scope, std::uint64_t size,
                                        std::uint64_t room) {
    if (size <= room) {
        return std::nullopt;
    }
    const auto link = moved.link.string(), end = moved.end.string(), place = moved.data_directory.string();
    return Failure(ExitCode::unsafe,
                   fmt::format("{} is now the symbolic link that {} was, and scope {} went on without what lies behind "
                               "it, {}: Patroni would make a replica in the link's place, whose disk has room for {}, "
                               "and {} lies there",
                               link, place, scope, end, system::size_text(room), system::size_text(size)),
                   fmt::format("if nothing in {} is wanted any more, empty it with {}, put the link back with {}, and "
                               "start Patroni again; or make room on the disk of {}",
                               end, how_to_empty(moved), how_to_put_back(moved),
                               moved.data_directory.parent_path().string()));
}

void leave_renamed_link(const RenamedLink& moved, const std::string& scope) {
    const auto room = system::free_bytes(moved.data_directory.parent_path());
    if (const auto failure = refusal_for_room(moved, scope, system::bytes_in(moved.end), room)) {
        throw Failure(*failure);
    }
    log::write(warning_of(moved, scope), log::Level::warning);
    const auto layout = moved.layout();
    const system::Lock one_at_a_time(layout.resume_lock());
    discard_journal(layout);
}

void refuse_renamed_link(const fs::path& data_directory, const std::optional<patroni::Configuration>& patroni) {
    const auto moved = find_renamed_link(data_directory);
    if (!moved) {
        return;
    }
    const auto& end = moved->end;
    change_journal(moved->layout(), [&](Journal& journal) {
        if (fate_of(journal, end, end.filename().string(), patroni) == Fate::given_up) {
            note_rejected_directory(journal, end);
        }
    });
    throw Failure(refusal_of(*moved));
}

}  // namespace patroni_pgbackrest
