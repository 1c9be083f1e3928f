#include "staging/layout.hpp"

#include "patroni/data_directory.hpp"
#include "staging/journal.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <pwd.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

fs::path beside(const fs::path& path, const char* ending) {
    auto other = path;
    other += ending;
    return other;
}

/// Where a link leads whose end was lost with the disk behind it.
fs::path behind_dangling_links(fs::path path) {
    constexpr int most_links = 32;
    std::error_code error;
    for (int link = 0; link < most_links && fs::is_symlink(path, error) && !fs::exists(path, error); ++link) {
        const auto end = fs::read_symlink(path, error);
        path = path.parent_path() / end;
    }
    return path;
}

std::string text_of(uid_t user) {
    const auto* entry = ::getpwuid(user);
    return entry == nullptr ? fmt::format("user {}", user) : fmt::format("user {} ({})", entry->pw_name, user);
}

/// Empty when it is this user's, or not there.
std::optional<uid_t> other_owner(const fs::path& path) {
    struct stat facts {};
    const bool is_others = ::lstat(path.c_str(), &facts) == 0 && facts.st_uid != ::geteuid();
    return is_others ? std::optional(facts.st_uid) : std::nullopt;
}

[[noreturn]] void refuse_others(const fs::path& path, uid_t owner, const Layout& layout) {
    std::string paths;
    for (const auto& each : {layout.staging, layout.workspace}) {
        struct stat facts {};
        if (::lstat(each.c_str(), &facts) == 0) {
            paths += " " + system::shell_word(each.string());
        }
    }
    throw Failure(
        ExitCode::preflight_refused,
        fmt::format("{} belongs to {}, and this is {}", path.string(), text_of(owner), text_of(::geteuid())),
        fmt::format(
            "as root, give it to this user: chown -R {}:{}{}; or remove it, if that restore is not wanted any more: "
            "rm -r{}",
            ::geteuid(), ::getegid(), paths, paths));
}

/// Or the data directory would become a link, beside whose end no journal lies; or the hand-over would fail behind all
/// of the copy.
void refuse_what_cannot_be_renamed(const fs::path& staging) {
    std::error_code error;
    const bool is_link = fs::is_symlink(staging, error);
    if (is_link || system::is_mount_point(staging)) {
        throw Failure(ExitCode::unsafe,
                      fmt::format("staging directory {} is a {}, and the data directory is made of it by a rename",
                                  staging.string(), is_link ? "symbolic link" : "mount point"),
                      fmt::format("{}; if the restore is to go to that disk, let data_dir name a directory there",
                                  is_link ? "remove the link" : "unmount it"));
    }
}

/// A journal, lock or note of another user that this one cannot read and write.
void refuse_others_workspace(const Layout& layout) {
    for (const auto& path : {layout.workspace, layout.journal(), layout.lock(), layout.failure()}) {
        const int wanted = R_OK | W_OK | (path == layout.workspace ? X_OK : 0);
        const auto owner = other_owner(path);
        if (owner && ::faccessat(AT_FDCWD, path.c_str(), wanted, AT_EACCESS) != 0) {
            refuse_others(path, *owner, layout);
        }
    }
}

}  // namespace

fs::path Layout::history() const {
    return beside(data_directory, ".restores.json");
}

Layout choose_layout(const fs::path& data_directory) {
    std::error_code error;
    Layout layout;
    layout.data_directory =
        fs::weakly_canonical(behind_dangling_links(system::without_last_slash(data_directory)), error);
    if (error) {
        throw Failure(ExitCode::preflight_refused,
                      fmt::format("data directory {} cannot be resolved: {}", data_directory.string(), error.message()),
                      "correct the path or its symbolic links");
    }
    const bool exists = fs::exists(layout.data_directory, error);
    if (exists && !fs::is_directory(layout.data_directory, error)) {
        throw Failure(ExitCode::unsafe, fmt::format("{} is not a directory", layout.data_directory.string()),
                      "move it away");
    }
    const auto parent = layout.data_directory.parent_path();
    const bool beside_it = !exists || (!system::is_mount_point(layout.data_directory) && system::is_writable(parent));
    layout = layout_of(layout.data_directory, !beside_it);
    refuse_others_workspace(layout);
    return layout;
}

Layout layout_of(const fs::path& data_directory, bool inside) {
    Layout layout;
    layout.data_directory = data_directory;
    layout.inside = inside;
    layout.staging = inside ? data_directory / ".restoring" : beside(data_directory, ".restoring");
    layout.workspace = beside(layout.staging, ".d");
    return layout;
}

std::vector<fs::path> journals_of(const fs::path& data_directory) {
    std::error_code error;
    const auto named = behind_dangling_links(system::without_last_slash(data_directory));
    const auto resolved = fs::weakly_canonical(named, error);
    if (error) {
        return {};
    }
    return {beside(resolved, ".restoring.d") / "journal.json", resolved / ".restoring.d" / "journal.json"};
}

std::vector<fs::path> local_entries(const fs::path& directory) {
    auto remote = system::remote_mounts();
    std::erase_if(remote, [&](const fs::path& mount) { return system::leads_into(directory, {mount}); });
    std::vector<fs::path> found;
    std::error_code error;
    fs::directory_iterator entry(directory, error);
    for (const fs::directory_iterator end; !error && entry != end; entry.increment(error)) {
        if (!system::leads_into(entry->path(), remote)) {
            found.push_back(entry->path());
        }
    }
    if (error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory &&
        error != std::errc::permission_denied) {
        throw system::refused("look through", directory, error.value());
    }
    return found;
}

std::vector<fs::path> restored_neighbours(const fs::path& data_directory) {
    constexpr std::string_view ending = ".restoring.d";
    std::vector<fs::path> found;
    std::error_code error;
    for (const auto& entry : local_entries(data_directory.parent_path())) {
        const auto path = entry.string();
        const auto neighbour = path.ends_with(ending) ? path.substr(0, path.size() - ending.size()) : path;
        const auto journals = journals_of(neighbour);
        if (neighbour != data_directory &&
            std::any_of(journals.begin(), journals.end(), [&](const auto& file) { return fs::exists(file, error); })) {
            found.emplace_back(neighbour);
        }
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

void refuse_others_staging(const Layout& layout) {
    if (const auto owner = other_owner(layout.staging)) {
        refuse_others(layout.staging, *owner, layout);
    }
}

void refuse_somebodys_data(const Layout& layout) {
    refuse_others_staging(layout);
    if (const auto theirs = patroni::entries_for_patroni(layout.data_directory); !theirs.empty()) {
        throw Failure(
            ExitCode::unsafe,
            fmt::format("data directory {} is not empty: {} is in it", layout.data_directory.string(), theirs.front()),
            "move it away yourself if it is not needed: nothing in it is ever overwritten");
    }
    refuse_what_cannot_be_renamed(layout.staging);
    if (system::is_empty_or_absent(layout.staging)) {
        return;
    }
    const auto journal = Journal::read(layout.journal());
    if (!journal || !(journal->may_have_staging() || journal->went_back_to(layout.staging))) {
        throw Failure(
            ExitCode::unsafe,
            fmt::format("staging directory {} is not ours: {}", layout.staging.string(),
                        journal ? layout.journal().string() + " tells of no copy there" : "it has no journal"),
            "move it away yourself if it is not needed");
    }
}

void make_private(const fs::path& directory) {
    std::error_code error;
    fs::create_directories(directory, error);
    if (!error) {
        fs::permissions(directory, fs::perms::owner_all, error);
    }
    if (error) {
        throw system::refused("make directory", directory, error.value());
    }
}

void remove_inherited_workspace(const fs::path& staging) {
    std::error_code ignored;
    fs::remove_all(staging / ".restoring.d", ignored);
}

}  // namespace patroni_pgbackrest
