#include "checks/review_machine.hpp"

#include "patroni/data_directory.hpp"
#include "pgbackrest/backup_files.hpp"
#include "pgbackrest/backup_targets.hpp"
#include "postgres/living_server.hpp"
#include "staging/kept_base.hpp"
#include "staging/lost_bootstrap.hpp"
#include "staging/renamed_link.hpp"
#include "staging/set_aside.hpp"
#include "system/file.hpp"
#include "system/listening.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <system_error>
#include <utility>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

std::string age_of(const fs::path& path) {
    std::error_code error;
    const auto age = fs::file_time_type::clock::now() - fs::last_write_time(path, error);
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(age).count();
    if (error || minutes < 0) {
        return "of unknown age";
    }
    return minutes < 120 ? fmt::format("{} minutes old", minutes) : fmt::format("{} hours old", minutes / 60);
}

/// Two mounts of one file system share its room.
bool is_one_disk(const fs::path& one, const fs::path& other) {
    const auto instance = system::file_system_instance(one);
    return system::same_file_system(one, other) ||
           (!instance.empty() && instance == system::file_system_instance(other));
}

/// The file systems that a restore writes to, with what goes to each.
class Disks {
  public:
    /// The one of this directory.
    DiskRoom& at(const fs::path& directory) {
        const auto known = std::find_if(disks_.begin(), disks_.end(), [&](const DiskRoom& disk) {
            return is_one_disk(disk.directories.front(), directory);
        });
        if (known != disks_.end()) {
            return *known;
        }
        return disks_.emplace_back(DiskRoom{.directories = {directory.string()},
                                            .bytes = system::free_bytes(directory),
                                            .may_take_less = system::may_compress(directory)});
    }
    bool is_one() const { return disks_.size() == 1; }
    const std::vector<DiskRoom>& each() const { return disks_; }
    DiskRoom together() const {
        DiskRoom all;
        for (const auto& disk : disks_) {
            all.directories.push_back(disk.directories.front());
            all.bytes += disk.bytes;
            all.for_wal += disk.for_wal;
            all.may_take_less = all.may_take_less || disk.may_take_less;
        }
        return all;
    }

  private:
    std::vector<DiskRoom> disks_;
};

void review_port(const Request& request, std::vector<Finding>& findings) {
    if (request.patroni && request.patroni->port && system::is_listening(*request.patroni->port)) {
        findings.push_back(
            {"port-taken",
             {fmt::format("something listens on port {}, which PostgreSQL needs", *request.patroni->port),
              "stop it before the restore; nothing is wrong while the cluster lives"}});
    }
}

void review_data_directory(const Layout& layout, std::vector<Finding>& findings) {
    if (!patroni::is_empty_for_patroni(layout.data_directory)) {
        const bool runs = postgres::living_server(layout.data_directory).has_value();
        findings.push_back({"data-directory-in-use",
                            {fmt::format("data directory {} {}", layout.data_directory.string(),
                                         runs ? "has a running server" : "is not empty"),
                             "for a restore Patroni wants it empty; nothing is wrong while the cluster lives"}});
    }
}

/// Patroni calls no bootstrap method for it, and would start it.
void review_rejection(const Layout& layout, std::vector<Finding>& findings) {
    if (const auto refusal = find_rejection(layout)) {
        findings.push_back({"data-directory-rejected", refusal->problems().front()});
    }
}

void review_name(const Request& request, std::vector<Finding>& findings) {
    const auto named = request.patroni ? request.patroni->data_directory : std::nullopt;
    const fs::path configured = named ? fs::path(named->text) : request.data_directory;
    const auto path = system::without_last_slash(configured);
    std::error_code error;
    const auto end = fs::is_symlink(path, error) ? fs::weakly_canonical(path, error) : fs::path();
    if (auto finding = judge_name(configured, end)) {
        findings.push_back(std::move(*finding));
    }
}

/// Which name tells what became of it is for a person to say: `bootstrap` refuses before that.
void review_set_aside(const Request& request, const std::optional<Failure>& unclear, std::vector<Finding>& findings) {
    if (const auto moved = find_renamed_link(request.data_directory)) {
        findings.push_back({"set-aside-unclear", refusal_of(*moved).problems().front()});
    } else if (unclear) {
        findings.push_back({"set-aside-unclear", unclear->problems().front()});
    }
}

/// `is_unclear`: without it nothing would tell what became of it.
void review_leftovers(const Layout& layout, bool is_unclear, std::vector<Finding>& findings) {
    for (const auto& path : leftovers_of(layout)) {
        const bool staging = path == layout.staging;
        findings.push_back(
            {"leftover",
             {fmt::format("{} of an earlier try: {}, {}", path.string(), system::size_text(system::bytes_in(path)),
                          age_of(path)),
              staging      ? "the next run continues with it"
              : is_unclear ? "it is needed until it has the name that says what it is: see set-aside-unclear"
                           : "remove it when it is not needed"}});
    }
    const auto journal = Journal::read(layout.journal());
    if (auto forgotten = journal ? forgotten_base(layout, *journal) : std::nullopt) {
        findings.push_back({"leftover", std::move(*forgotten)});
    }
}

}  // namespace

std::optional<Finding> review_user(unsigned user, const std::string& command) {
    if (user != 0) {
        return std::nullopt;
    }
    const std::string in_its_unit = command == "resume" ? "with PermissionsStartOnly=no in its unit, " : "";
    return Finding{
        "runs-as-root",
        {command + " runs as root: PostgreSQL does not start as root, pgBackRest from 2.59 on only restores, "
                   "and Patroni's user cannot replace what root has written",
         fmt::format("run it as the user that runs Patroni, {}for example: sudo -u postgres patroni_pgbackrest {}",
                     in_its_unit, command)}};
}

std::optional<Finding> judge_name(const fs::path& data_directory, const fs::path& end) {
    if (!end.empty()) {
        return Finding{
            "data-directory-name",
            {fmt::format("data directory {} is a symbolic link: what Patroni gives up it sets aside by renaming the "
                         "link, and not {}",
                         data_directory.string(), end.string()),
             fmt::format("set postgresql.data_dir, and pg1-path of the stanza, to {}; or let a directory above it be "
                         "the link",
                         end.string())}};
    }
    if (!data_directory.has_filename()) {
        return Finding{"data-directory-name",
                       {fmt::format("data directory {} ends with a slash: Patroni before 3.3.7, and 4.0 before 4.0.6, "
                                    "cannot set it aside when it gives it up",
                                    data_directory.string()),
                        "take the slash at its end away"}};
    }
    return std::nullopt;
}

std::optional<Finding> judge_room(const std::string& backup_set, const DiskRoom& room) {
    if (room.bytes >= room.needed + room.for_wal) {
        return std::nullopt;
    }
    const auto directories = system::join(room.directories, ", ");
    const auto words =
        fmt::format("backup set {} has {}{}, and {} has room for {}", backup_set, system::size_text(room.needed),
                    room.is_one_of_several ? " for the disk of " + directories : "",
                    room.is_one_of_several ? "it" : directories, system::size_text(room.bytes));
    if (room.bytes >= room.needed || room.may_take_less) {
        return Finding{"disk-tight", {words + ", WAL not counted", "make room"}};
    }
    return Finding{"disk-full",
                   {words, room.is_one_of_several ? "make room there, or give what goes there another place with "
                                                    "tablespace-map or link-map"
                                                  : "make room, or put tablespaces elsewhere with tablespace-map"}};
}

void review_disk(const Request& request, const Plan& plan, const Layout& layout, std::vector<Finding>& findings) {
    constexpr std::uint64_t reserve_for_wal = 2'000'000'000;
    const auto& options = request.restore_options;
    const bool is_partial =
        std::any_of(options.begin(), options.end(), [](const auto& option) { return option.name.starts_with("db-"); });
    const auto data_directory = layout.inside ? layout.data_directory : layout.staging.parent_path();
    auto wal = data_directory;
    Disks disks;
    // A kept clone of the copy shares its blocks, and holds them where a run was ended while it took it.
    disks.at(data_directory).bytes += std::max(system::bytes_in(layout.staging), system::bytes_in(layout.base())) +
                                      (request.reuse_data ? system::bytes_in(*request.reuse_data) : 0);
    const auto targets = pgbackrest::restored_targets(plan.targets, options, layout.staging);
    std::vector<std::string> names;
    for (const auto& target : targets) {
        disks.at(target.place).bytes += system::bytes_in(target.place);
        names.push_back(target.files);
        wal = target.files == "pg_data/pg_wal" ? target.place : wal;
    }
    disks.at(wal).for_wal = reserve_for_wal;

    const auto files =
        disks.is_one() ? std::nullopt : pgbackrest::files_of_targets(request.pgbackrest, plan.backup, names);
    std::vector<DiskRoom> rooms{disks.together()};
    rooms.front().needed = plan.backup.size;
    if (files) {
        disks.at(data_directory).needed = files->back().bytes;
        for (std::size_t i = 0; i < targets.size(); ++i) {
            disks.at(targets[i].place).needed += files->at(i).bytes;
        }
        rooms = disks.each();
    }
    for (auto& room : rooms) {
        room.may_take_less = room.may_take_less || is_partial;
        room.is_one_of_several = files.has_value();
        if (auto finding = judge_room(plan.backup.label, room)) {
            findings.push_back(std::move(*finding));
        }
    }
}

void review_machine(const Request& request, const Layout& layout, std::vector<Finding>& findings) {
    review_port(request, findings);
    review_data_directory(layout, findings);
    review_rejection(layout, findings);
    review_name(request, findings);
    const auto unclear = why_unclear(request.patroni, layout);
    review_set_aside(request, unclear, findings);
    review_leftovers(layout, unclear.has_value(), findings);
}

}  // namespace patroni_pgbackrest
