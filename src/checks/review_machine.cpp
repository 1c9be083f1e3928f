#include "checks/review_machine.hpp"

#include "patroni/data_directory.hpp"
#include "pgbackrest/backup_targets.hpp"
#include "postgres/living_server.hpp"
#include "staging/set_aside.hpp"
#include "system/file.hpp"
#include "system/listening.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <system_error>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

std::uint64_t bytes_in(const fs::path& directory) {
    std::uint64_t bytes = 0;
    std::error_code error;
    fs::recursive_directory_iterator entry(directory, fs::directory_options::skip_permission_denied, error);
    for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
        std::error_code ignored;
        if (!entry->is_symlink(ignored) && entry->is_regular_file(ignored)) {
            bytes += entry->file_size(ignored);
        }
    }
    return bytes;
}

std::string size_text(std::uint64_t bytes) {
    constexpr std::uint64_t megabyte = 1'000'000;
    constexpr double gigabyte = 1e9;
    return bytes < 1000 * megabyte ? fmt::format("{} MB", bytes / megabyte)
                                   : fmt::format("{:.1f} GB", static_cast<double>(bytes) / gigabyte);
}

std::string age_of(const fs::path& path) {
    std::error_code error;
    const auto age = fs::file_time_type::clock::now() - fs::last_write_time(path, error);
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(age).count();
    if (error || minutes < 0) {
        return "of unknown age";
    }
    return minutes < 120 ? fmt::format("{} minutes old", minutes) : fmt::format("{} hours old", minutes / 60);
}

/// The file systems that the restore writes to, each by one of its directories.
std::vector<fs::path> disks_of(const Request& request, const Plan& plan, const Layout& layout) {
    std::vector<fs::path> disks{layout.inside ? layout.data_directory : layout.staging.parent_path()};
    for (const auto& place : pgbackrest::restored_places(plan.targets, request.restore_options, layout.staging)) {
        const bool known = std::any_of(disks.begin(), disks.end(),
                                       [&](const fs::path& disk) { return system::same_file_system(disk, place); });
        if (!known) {
            disks.push_back(place);
        }
    }
    return disks;
}

/// What an earlier run, or reuse-data, has already: it is overwritten.
std::uint64_t bytes_in_place(const Request& request, const Plan& plan, const Layout& layout) {
    auto places = pgbackrest::restored_places(plan.targets, request.restore_options, layout.staging);
    places.push_back(layout.staging);
    if (request.reuse_data) {
        places.push_back(*request.reuse_data);
    }
    std::uint64_t bytes = 0;
    for (const auto& place : places) {
        bytes += bytes_in(place);
    }
    return bytes;
}

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

void review_leftovers(const Layout& layout, std::vector<Finding>& findings) {
    for (const auto& path : leftovers_of(layout)) {
        const bool staging = path == layout.staging;
        findings.push_back(
            {"leftover",
             {fmt::format("{} of an earlier try: {}, {}", path.string(), size_text(bytes_in(path)), age_of(path)),
              staging ? "the next run continues with it" : "remove it when it is not needed"}});
    }
}

}  // namespace

std::optional<Finding> review_user(unsigned user, const std::string& command) {
    if (user != 0) {
        return std::nullopt;
    }
    return Finding{
        "runs-as-root",
        {command + " runs as root: PostgreSQL does not start as root, pgBackRest from 2.59 on only restores, "
                   "and Patroni's user cannot replace what root has written",
         "run it as the user that runs Patroni, for example: sudo -u postgres patroni_pgbackrest " + command}};
}

void review_disk(const Request& request, const Plan& plan, const Layout& layout, std::vector<Finding>& findings) {
    constexpr std::uint64_t reserve_for_wal = 2'000'000'000;
    const bool is_partial = std::any_of(request.restore_options.begin(), request.restore_options.end(),
                                        [](const auto& option) { return option.name.starts_with("db-"); });
    const auto disks = disks_of(request, plan, layout);
    auto room = bytes_in_place(request, plan, layout);
    std::vector<std::string> names;
    for (const auto& disk : disks) {
        room += system::free_bytes(disk);
        names.push_back(disk.string());
    }
    const bool may_fit = is_partial || std::any_of(disks.begin(), disks.end(), system::may_compress);
    const auto& needed = plan.backup.size;
    if (room >= needed + reserve_for_wal) {
        return;
    }
    const auto words = fmt::format("backup set {} has {}, and {} has room for {}", plan.backup.label, size_text(needed),
                                   system::join(names, ", "), size_text(room));
    if (room < needed && !may_fit) {
        findings.push_back({"disk-full", {words, "make room, or put tablespaces elsewhere with tablespace-map"}});
    } else {
        findings.push_back({"disk-tight", {words + ", WAL not counted", "make room"}});
    }
}

void review_machine(const Request& request, const Layout& layout, std::vector<Finding>& findings) {
    review_port(request, findings);
    review_data_directory(layout, findings);
    review_leftovers(layout, findings);
}

}  // namespace patroni_pgbackrest
