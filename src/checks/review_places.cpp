#include "checks/review_places.hpp"

#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/owner.hpp"
#include "system/text.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

fs::path nearest_existing_parent(fs::path path) {
    std::error_code error;
    do {
        path = path.parent_path();
    } while (path.has_relative_path() && !fs::exists(path, error));
    return path;
}

Finding not_owned(const fs::path& directory) {
    const auto owner = system::own_user();
    return {"data-directory-unusable",
            {fmt::format("data directory {} belongs to another user, and PostgreSQL starts only as its owner",
                         directory.string()),
             fmt::format("as root: chown {}:{} {}; or let data_dir name a directory in it", owner.user, owner.group,
                         system::shell_word(directory.string()))}};
}

Finding not_writable(const fs::path& directory) {
    const auto word = system::shell_word(directory.string());
    return {"data-directory-unusable",
            {fmt::format("data directory {} cannot be written by this user, who owns it", directory.string()),
             fmt::format("chmod 0700 {}; if that does not help, its file system is mounted read-only", word)}};
}

Finding cannot_be_made(const Layout& layout, const fs::path& parent) {
    const auto owner = system::own_user();
    return {"data-directory-unusable",
            {fmt::format("data directory {} cannot be made: this user may not write to {}",
                         layout.data_directory.string(), parent.string()),
             fmt::format("make it as root: install -d -m 0700 -o {} -g {} {}", owner.user, owner.group,
                         system::shell_word(layout.data_directory.string()))}};
}

}  // namespace

PlaceFacts look_at_place(const Layout& layout) {
    PlaceFacts seen;
    std::error_code error;
    seen.user = ::geteuid();
    struct stat facts {};
    seen.exists = ::stat(layout.data_directory.c_str(), &facts) == 0;
    if (seen.exists) {
        seen.owner = facts.st_uid;
        seen.is_writable = system::is_writable(layout.data_directory);
        seen.has_entries = !fs::is_empty(layout.data_directory, error);
    }
    seen.parent = nearest_existing_parent(layout.data_directory);
    seen.parent_is_writable = system::is_writable(seen.parent);
    if (::stat(seen.parent.c_str(), &facts) == 0) {
        seen.parent_is_sticky = (facts.st_mode & S_ISVTX) != 0;
        seen.parent_owner = facts.st_uid;
    }
    return seen;
}

std::vector<Finding> review_place(const Layout& layout, const PlaceFacts& seen) {
    if (seen.user == 0) {
        return {};
    }
    const bool is_owner = seen.owner == seen.user;
    const bool stays = layout.inside || seen.has_entries;
    // Only its owner, or that of the directory around it, may replace it there.
    const bool is_pinned = seen.parent_is_sticky && !is_owner && seen.parent_owner != seen.user;
    if (seen.exists && !is_owner && (stays || is_pinned)) {
        return {not_owned(layout.data_directory)};
    }
    if (seen.exists && stays && !seen.is_writable) {
        return {not_writable(layout.data_directory)};
    }
    if (!layout.inside && !seen.parent_is_writable) {
        return {cannot_be_made(layout, seen.parent)};
    }
    return {};
}

std::vector<Finding> review_targets(const Layout& layout, const std::vector<pgbackrest::RestoredTarget>& targets) {
    std::vector<Finding> findings;
    for (const auto& target : targets) {
        std::error_code error;
        const auto resolved = fs::weakly_canonical(target.place, error);
        const auto& place = error ? target.place : resolved;
        const bool is_tablespace = target.kind == pgbackrest::BackupTarget::Kind::tablespace;
        for (const auto& directory : {layout.data_directory, layout.staging, layout.workspace}) {
            if (system::lies_in(place, directory)) {
                findings.push_back({"place-inside",
                                    {fmt::format("{} would be restored to {}, which lies in {}",
                                                 is_tablespace ? "a tablespace" : "what a link leads to",
                                                 target.place.string(), directory.string()),
                                     fmt::format("give it a place outside of the data directory with {}",
                                                 is_tablespace ? "tablespace-map" : "link-map")}});
                break;
            }
        }
    }
    return findings;
}

std::vector<Finding> review_temporary_directory() {
    try {
        const system::PrivateDirectory directory;
        directory.write("service.conf", "a line\n");
        return {};
    } catch (const Failure& failure) {
        auto problem = failure.problems().front();
        if (failure.code() != ExitCode::preflight_refused) {
            problem.hint = "make room there, or set TMPDIR to another directory";
        }
        return {{"temporary-directory", std::move(problem)}};
    }
}

}  // namespace patroni_pgbackrest
