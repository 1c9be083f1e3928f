#include "staging/layout.hpp"

#include "patroni/data_directory.hpp"
#include "postgres/control_data.hpp"
#include "staging/journal.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/lock.hpp"
#include "system/log.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string>
#include <system_error>

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

}  // namespace

Layout choose_layout(const fs::path& data_directory) {
    std::error_code error;
    Layout layout;
    layout.data_directory = fs::weakly_canonical(behind_dangling_links(data_directory), error);
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
    if (beside_it) {
        layout.staging = beside(layout.data_directory, ".restoring");
    } else {
        layout.inside = true;
        layout.staging = layout.data_directory / ".restoring";
    }
    layout.workspace = beside(layout.staging, ".d");
    return layout;
}

std::vector<fs::path> journals_of(const fs::path& data_directory) {
    std::error_code error;
    const auto resolved = fs::weakly_canonical(data_directory, error);
    if (error) {
        return {};
    }
    return {beside(resolved, ".restoring.d") / "journal.json", resolved / ".restoring.d" / "journal.json"};
}

void refuse_somebodys_data(const Layout& layout) {
    if (const auto theirs = patroni::entries_for_patroni(layout.data_directory); !theirs.empty()) {
        throw Failure(
            ExitCode::unsafe,
            fmt::format("data directory {} is not empty: {} is in it", layout.data_directory.string(), theirs.front()),
            "move it away yourself if it is not needed: nothing in it is ever overwritten");
    }
    if (!fs::exists(layout.journal()) && !system::is_empty_or_absent(layout.staging)) {
        throw Failure(ExitCode::unsafe,
                      fmt::format("staging directory {} is not ours: it has no journal", layout.staging.string()),
                      "move it away yourself if it is not needed");
    }
}

bool hand_over_is_done(const Layout& layout) {
    const auto journal = Journal::read(layout.journal());
    if (!journal || journal->phase != Phase::handing_over || journal->given_up ||
        fs::exists(layout.staging / "PG_VERSION")) {
        return false;
    }
    const auto control = postgres::read_control_file(layout.data_directory);
    return control && control->system_identifier == journal->system_identifier;
}

void change_journal(const Layout& layout, const std::function<void(Journal&)>& change) {
    const system::Lock lock(layout.workspace / "lock");
    if (auto journal = Journal::read(layout.journal())) {
        change(*journal);
        journal->save(layout.journal());
    }
}

std::vector<std::string> in_order_of_hand_over(std::vector<std::string> entries) {
    const auto place = [](const std::string& name) { return name == "PG_VERSION" ? 0 : name == "global" ? 2 : 1; };
    std::stable_sort(entries.begin(), entries.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); });
    return entries;
}

void undo_hand_over(const Layout& layout) {
    const auto is_half_done = [&] {
        const auto journal = Journal::read(layout.journal());
        return journal && journal->phase == Phase::handing_over && fs::exists(layout.staging) &&
               !fs::exists(layout.staging / "PG_VERSION") && fs::exists(layout.data_directory / "PG_VERSION") &&
               !fs::exists(layout.data_directory / "global");
    };
    if (!is_half_done()) {
        return;
    }
    const system::Lock lock(layout.workspace / "lock");
    if (!is_half_done()) {
        return;
    }
    log::info("an earlier run was interrupted in the hand-over: what is in {} goes back",
              layout.data_directory.string());
    auto names = in_order_of_hand_over(patroni::entries_for_patroni(layout.data_directory));
    std::reverse(names.begin(), names.end());
    for (const auto& name : names) {
        std::error_code error;
        if (fs::exists(fs::symlink_status(layout.staging / name))) {
            error = std::make_error_code(std::errc::file_exists);
        } else {
            fs::rename(layout.data_directory / name, layout.staging / name, error);
        }
        if (error) {
            throw Failure(ExitCode::unsafe,
                          fmt::format("{} cannot go back to {}: {}", (layout.data_directory / name).string(),
                                      layout.staging.string(), error.message()),
                          "move the data directory and the staging directory away: the next run starts over");
        }
    }
    system::sync_directory(layout.staging);
    system::sync_directory(layout.data_directory);
}

void forget(const Layout& layout) {
    std::error_code ignored;
    for (const auto& path : {layout.spool(), layout.pgbackrest_lock(), layout.failure(), layout.workspace / "lock",
                             layout.workspace / "postgresql.auto.conf", layout.journal()}) {
        fs::remove_all(path, ignored);
    }
    fs::remove(layout.workspace, ignored);
}

void remove_unfinished(const Layout& layout) {
    const system::Lock lock(layout.workspace / "lock");
    const auto journal = Journal::read(layout.journal());
    if (!journal || (journal->phase == Phase::handed_over && !journal->begun)) {
        return;
    }
    std::error_code ignored;
    for (const auto& path : {layout.staging, layout.workspace}) {
        fs::remove_all(path, ignored);
    }
}

}  // namespace patroni_pgbackrest
