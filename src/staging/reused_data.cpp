#include "staging/reused_data.hpp"

#include "postgres/binaries.hpp"
#include "postgres/living_server.hpp"
#include "staging/fate.hpp"
#include "staging/journal.hpp"
#include "staging/old_wal.hpp"
#include "staging/set_aside.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/open_for_writing.hpp"
#include "system/owner.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <tuple>
#include <unistd.h>
#include <utility>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

std::string why_not_reused(const DataBeside& beside, const Plan& plan) {
    if (!beside.has_patronis_name) {
        return "Patroni gives no such name, so somebody keeps it; name it with reuse-data if nobody needs it";
    }
    if (beside.is_link) {
        return "it is a symbolic link";
    }
    if (!beside.other_owner.empty()) {
        return "it belongs to " + beside.other_owner;
    }
    if (!beside.control) {
        return "there is no pg_control in it";
    }
    if (beside.control->system_identifier != plan.database.system_identifier) {
        return fmt::format("it belongs to another cluster (system identifier {}, not {})",
                           beside.control->system_identifier, plan.database.system_identifier);
    }
    if (beside.major_version == 0) {
        return "its PG_VERSION cannot be read";
    }
    if (beside.major_version != plan.major_version) {
        return fmt::format("it is of PostgreSQL {}, and the backup of {}", beside.major_version, plan.major_version);
    }
    if (beside.server) {
        return fmt::format("process {} of a PostgreSQL server works in it", *beside.server);
    }
    if (beside.has_journal) {
        return "a restore into it has left its journal there";
    }
    if (!beside.why_it_stays.empty()) {
        return beside.why_it_stays;
    }
    if (!beside.obstacle.empty()) {
        return beside.obstacle;
    }
    // What nobody ever led with holds nobody's rows.
    return beside.was_given_up ? std::string() : beside.only_copy;
}

namespace {

postgres::ControlFile control_of(const DataBeside& beside) {
    return beside.control.value_or(postgres::ControlFile{});
}

/// pg_control's time has seconds only.
bool is_newer(const DataBeside& one, const DataBeside& other) {
    const auto age_of = [](const DataBeside& beside) {
        const auto control = control_of(beside);
        return std::tuple(control.written_at, control.redo, beside.directory.string());
    };
    return age_of(one) > age_of(other);
}

std::string why_taken(const DataBeside& beside) {
    return fmt::format("auto takes {}, which a server of this cluster wrote to last at {:%Y-%m-%d %H:%M:%S} UTC; {}",
                       beside.directory.string(), fmt::gmtime(static_cast<std::time_t>(control_of(beside).written_at)),
                       beside.was_given_up ? "Patroni gave it up, so nobody needs what else is in it"
                                           : "the archive has all of its WAL");
}

}  // namespace

ReusedData choose_reused_data(std::vector<DataBeside> found, const Plan& plan, const fs::path& data_directory) {
    std::sort(found.begin(), found.end(), is_newer);
    ReusedData reused;
    std::string taken;
    for (const auto& beside : found) {
        auto why_not = why_not_reused(beside, plan);
        if (why_not.empty() && !reused.directory) {
            reused.directory = beside.directory;
            taken = why_taken(beside);
            continue;
        }
        if (why_not.empty()) {
            why_not = "it is older";
        }
        reused.lines.push_back(fmt::format("auto passes over {}: {}", beside.directory.string(), why_not));
    }
    reused.lines.push_back(reused.directory
                               ? taken
                               : fmt::format("auto finds nothing beside {} that can be reused: everything is copied",
                                             data_directory.string()));
    return reused;
}

namespace {

/// `pgbackrest restore` writes into the files that are there, whatever other name they have, and it follows links. A
/// file that it may not write to would end every restore from then on.
std::string obstacle_of(const struct stat& facts, const struct stat& top) {
    if (S_ISLNK(facts.st_mode)) {
        return "is a symbolic link, and nothing elsewhere is touched unless reuse-data names the directory";
    }
    if (S_ISREG(facts.st_mode) && facts.st_nlink > 1) {
        return "has another name elsewhere (a hard link)";
    }
    // Not of a file, which may show another device than its directory (overlayfs).
    if (S_ISDIR(facts.st_mode) && facts.st_dev != top.st_dev) {
        return "is another file system";
    }
    if (facts.st_uid != top.st_uid) {
        return "belongs to " + system::user_name(facts.st_uid);
    }
    return (facts.st_mode & S_IWUSR) == 0 ? "is not to be written to" : "";
}

std::string obstacle_in(const fs::path& directory, const struct stat& top) {
    std::error_code error;
    fs::recursive_directory_iterator entry(directory, error);
    for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
        struct stat facts {};
        if (::lstat(entry->path().c_str(), &facts) != 0) {
            error = std::error_code(errno, std::generic_category());
            break;
        }
        if (const auto obstacle = obstacle_of(facts, top); !obstacle.empty()) {
            return fmt::format("{} in it {}", entry->path().lexically_relative(directory).string(), obstacle);
        }
    }
    if (error) {
        return fmt::format("not all of it can be looked at ({})", error.message());
    }
    const auto in_use = system::find_open_for_writing({directory});
    return in_use ? fmt::format("{} in it is open for writing, as by a server in another container",
                                in_use->lexically_relative(directory).string())
                  : std::string();
}

int major_version_of(const fs::path& directory) {
    try {
        return postgres::major_version(directory);
    } catch (const Failure&) {
        return 0;
    }
}

std::string only_copy_in(const fs::path& directory, const postgres::ControlFile& control, const Plan& plan,
                         const pgbackrest::ArchivedFiles& archived) {
    const auto from = postgres::Segment::parse(plan.backup.archive_start, plan.segment_size);
    if (!from) {
        return "nobody knows whether the archive has its WAL: the backup does not say where its own begins";
    }
    // Of a branch that the backup does not lie on, what is below its beginning is not in the backup either.
    if (control.timeline < from->timeline || !plan.history.contains(control.timeline, control.redo)) {
        return fmt::format("it was left on timeline {} at {}, which the restore does not pass", control.timeline.text(),
                           control.redo.text());
    }
    const auto wal = read_old_wal(directory, plan.database.system_identifier, *from, archived, plan.segment_size);
    if (!wal.why_unknown.empty()) {
        return "nobody knows whether the archive has its WAL: " + wal.why_unknown;
    }
    const auto is_needed = [](const OldSegment& old) { return old.is_complete || old.holds_commit; };
    const auto needed = std::find_if(wal.segments.begin(), wal.segments.end(), is_needed);
    return needed == wal.segments.end()
               ? std::string()
               : fmt::format("the archive does not have its WAL segment {}", needed->segment.name(plan.segment_size));
}

bool has_journal_of(const fs::path& directory) {
    const auto files = journals_of(directory);
    return std::any_of(files.begin(), files.end(), [](const fs::path& file) { return system::is_present(file); });
}

std::string why_it_stays_there(const fs::path& directory, const Layout& layout) {
    if (!system::same_file_system(directory, layout.workspace)) {
        return "it is not on the file system of the data directory";
    }
    const auto parent = directory.parent_path();
    return system::is_writable(parent)
               ? std::string()
               : fmt::format("it cannot be renamed, since {} is not to be written to", parent.string());
}

/// As far as it can matter: a link, and what a person named, are looked at no further.
DataBeside look_at_data(const fs::path& directory, const Request& request, const Plan& plan,
                        const pgbackrest::ArchivedFiles& archived, const Layout& layout) {
    DataBeside beside;
    beside.directory = directory;
    beside.has_patronis_name =
        is_patronis_name(directory.filename().string(), layout.data_directory.filename().string());
    struct stat facts {};
    beside.is_link = ::lstat(directory.c_str(), &facts) != 0 || S_ISLNK(facts.st_mode);
    if (beside.is_link) {
        return beside;
    }
    beside.other_owner = facts.st_uid == ::geteuid() ? std::string() : system::user_name(facts.st_uid);
    beside.control = postgres::read_control_file(directory);
    if (!beside.has_patronis_name || !beside.control ||
        beside.control->system_identifier != plan.database.system_identifier) {
        return beside;
    }
    beside.major_version = major_version_of(directory);
    // Another user's may not be looked at, and is not taken anyway.
    beside.has_journal = beside.other_owner.empty() && has_journal_of(directory);
    beside.server = postgres::living_server(directory);
    beside.why_it_stays = why_it_stays_there(directory, layout);
    beside.obstacle = obstacle_in(directory, facts);
    const auto journal = Journal::read(layout.journal());
    beside.was_given_up =
        journal && journal->handed_over_is(directory) &&
        fate_of(*journal, directory, layout.data_directory.filename().string(), request.patroni) == Fate::given_up;
    if (!beside.was_given_up && beside.obstacle.empty()) {
        beside.only_copy = only_copy_in(directory, *beside.control, plan, archived);
    }
    return beside;
}

/// `main.failed`, `main_2026-11-22-10-00-00`, `main.lost`; not `main2`, and not the staging directory.
bool is_named_after(const std::string& entry, const std::string& name) {
    constexpr std::string_view separators = "._-";
    return entry.size() > name.size() && entry.starts_with(name) &&
           separators.find(entry[name.size()]) != std::string_view::npos && entry != name + ".restoring";
}

}  // namespace

ReusedData find_reused_data(const Request& request, const Plan& plan, const pgbackrest::ArchivedFiles& archived,
                            const Layout& layout) {
    const auto there = system::is_empty_or_absent(layout.staging) ? set_aside_by_patroni(request, layout)
                                                                  : std::optional(layout.staging);
    if (there) {
        return {.lines = {fmt::format("auto takes nothing: the restore goes on with {}", there->string())}};
    }
    const auto name = layout.data_directory.filename().string();
    std::vector<DataBeside> found;
    for (const auto& path : local_entries(layout.data_directory.parent_path())) {
        std::error_code error;
        if (!is_named_after(path.filename().string(), name) || !fs::is_directory(path, error)) {
            continue;
        }
        auto beside = look_at_data(path, request, plan, archived, layout);
        const bool is_of_cluster =
            beside.control && beside.control->system_identifier == plan.database.system_identifier;
        if (beside.has_patronis_name || is_of_cluster) {
            found.push_back(std::move(beside));
        }
    }
    return choose_reused_data(std::move(found), plan, layout.data_directory);
}

}  // namespace patroni_pgbackrest
