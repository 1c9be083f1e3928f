#pragma once

#include "staging/hand_over.hpp"
#include "staging/staging.hpp"
#include "support/archives.hpp"
#include "support/control_file.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

/// A dangling link counts, too.
inline bool is_there(const fs::path& path) {
    return fs::symlink_status(path).type() != fs::file_type::not_found;
}

/// A restore of one_timeline() into the directory `data` of a test.
struct Restore {
    Files files;
    Request request = request_for({{"datadir", files.path("data").string()}});
    Plan plan = make_plan(request, one_timeline());

    fs::path data() const { return files.path("data"); }

    /// The phase that the journal beside it says.
    Phase journalled() const { return Journal::read(files.path("data.restoring.d/journal.json")).value().phase; }

    std::string control() const { return control_file(plan.database.system_identifier); }

    /// A copy with a few of a cluster's files in it.
    void copy(StagingDirectory& staging, const std::vector<fs::path>& outside = {}) const {
        staging.begin_copy(request, plan, outside);
        fs::create_directories(staging.path() / "global");
        fs::create_directories(staging.path() / "base" / "1");
        const auto from = fs::relative(staging.path(), files.path()).string();
        files.write(from + "/PG_VERSION", "15\n");
        files.write(from + "/global/pg_control", control());
        files.write(from + "/base/1/1259", "pages");
    }

    /// What a run leaves that ended in this phase.
    void interrupt(Phase phase, const std::vector<fs::path>& outside = {}) const {
        StagingDirectory staging(request);
        copy(staging, outside);
        staging.enter(phase);
    }
};

/// One that was handed over with a tablespace, and that Patroni could not use.
struct Rejected : Restore {
    fs::path place = files.path("ts1"), renamed = files.path("ts1.failed"), directory = files.path("data.failed");
    Layout layout = choose_layout(data());

    Rejected() {
        fs::create_directory(place);
        StagingDirectory staging(request);
        staging.begin_copy(request, plan, {place});
        copy(staging);
        fs::create_directories(place / "PG_15");
        fs::create_directories(staging.path() / "pg_tblspc");
        fs::create_directory_symlink(place, staging.path() / "pg_tblspc" / "16385");
        hand_over(staging);
    }

    /// As Patroni does it: the tablespace, its link, then the data directory.
    void set_aside() const {
        fs::rename(place, renamed);
        fs::remove(data() / "pg_tblspc" / "16385");
        fs::create_directory_symlink(renamed, data() / "pg_tblspc" / "16385");
        fs::rename(data(), directory);
        fs::create_directory(files.path("data.failed.older"));
    }
};

}  // namespace patroni_pgbackrest
