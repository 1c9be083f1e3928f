#pragma once

#include "staging/staging.hpp"
#include "support/archives.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

/// A restore of one_timeline() into the directory `data` of a test.
struct Restore {
    Files files;
    Request request = request_for({{"datadir", files.path("data").string()}});
    Plan plan = make_plan(request, one_timeline());

    fs::path data() const { return files.path("data"); }

    /// The beginning of pg_control: the system identifier, as bytes; written at the very beginning of time.
    std::string control() const {
        const std::uint64_t identifier = std::stoull(plan.database.system_identifier);
        return std::string(reinterpret_cast<const char*>(&identifier), sizeof identifier) + std::string(64, '\0');
    }

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
        staging.reached(phase);
    }
};

}  // namespace patroni_pgbackrest
