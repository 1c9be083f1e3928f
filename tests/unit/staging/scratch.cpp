#include "staging/scratch.hpp"

#include "support/catch.hpp"
#include "support/forked.hpp"
#include "support/restore.hpp"
#include "system/file.hpp"

using namespace patroni_pgbackrest;

namespace {

const std::string mark = "scratch/patroni_pgbackrest.rehearsal";

Failure refusal_of_scratch(const fs::path& directory, const std::vector<fs::path>& others = {},
                           const fs::path& history = {}) {
    try {
        const ScratchDirectory scratch(directory, others, history);
    } catch (const Failure& failure) {
        return failure;
    }
    return {ExitCode::done, "taken", ""};
}

}  // namespace

TEST_CASE("a scratch directory is absent or empty, or was left by a rehearsal") {
    const Files files;
    const auto scratch = files.path("scratch");
    CHECK(state_of_scratch(scratch) == ScratchState::usable);
    fs::create_directories(scratch / "lost+found");
    CHECK(state_of_scratch(scratch) == ScratchState::usable);
    files.write("scratch/.patroni_pgbackrest.rehearsal.Ab12Cd", "");
    CHECK(state_of_scratch(scratch) == ScratchState::usable);
    files.write("scratch/report", "somebody's");
    CHECK(state_of_scratch(scratch) == ScratchState::foreign);
    files.write(mark, R"({"version":1,"state":"running","made":true})");
    CHECK(state_of_scratch(scratch) == ScratchState::interrupted);
    files.write(mark, R"({"version":1,"state":"kept","made":true})");
    CHECK(state_of_scratch(scratch) == ScratchState::kept);
    files.write(mark, "{");
    CHECK(state_of_scratch(scratch) == ScratchState::foreign);
    files.write("file", "");
    CHECK(state_of_scratch(files.path("file")) == ScratchState::foreign);
}

TEST_CASE("a scratch directory is apart from the data directory and what lies beside it") {
    const std::vector<fs::path> others{"/data/pg", "/data/pg.restoring"};
    CHECK_FALSE(why_no_scratch("/data/scratch", others));
    CHECK_FALSE(why_no_scratch("/data/pg.rehearsal", others));
    for (const char* directory : {"/", "/data", "/data/pg", "/data/pg/base", "/data/pg.restoring"}) {
        CAPTURE(directory);
        CHECK(why_no_scratch(directory, others));
    }
    const Files files;
    fs::create_directories(files.path("pg/pg_tblspc"));
    fs::create_directories(files.path("ts1"));
    fs::create_symlink(files.path("ts1"), files.path("pg/pg_tblspc/16391"));
    const auto away = kept_away_from(files.path("pg"));
    for (const char* name : {"pg", "pg.restoring", "pg.restoring.d", "ts1"}) {
        CAPTURE(name);
        CHECK(std::find(away.begin(), away.end(), fs::canonical(files.path()) / name) != away.end());
    }
    const auto refused = refusal_of_scratch(files.path("ts1/scratch"), away);
    CHECK(refused.code() == ExitCode::unsafe);
    CHECK(std::string(refused.what()).find("are not apart") != std::string::npos);
    CHECK_FALSE(fs::exists(files.path("ts1/scratch")));
}

TEST_CASE("what was made in a scratch directory is removed at the end, and so is itself where it was made") {
    const Files files;
    const auto directory = files.path("scratch");
    {
        const ScratchDirectory scratch(directory, {}, {});
        CHECK(state_of_scratch(directory) == ScratchState::interrupted);
        files.write("scratch/data.restoring/PG_VERSION", "15\n");
        files.write("scratch/data.restoring.d/journal.json", "{}");
        files.write("scratch/tablespaces/ts1/PG_15_202209061/5/16391", "");
        CHECK(fs::is_directory(scratch.temporary()));
    }
    CHECK_FALSE(fs::exists(directory));
    fs::create_directories(directory / "lost+found");
    { const ScratchDirectory scratch(directory, {}, {}); }
    CHECK(system::entries(directory) == std::vector<std::string>{"lost+found"});
}

TEST_CASE("what an interrupted rehearsal left is removed by the next, and nothing else") {
    const Files files;
    const auto directory = files.path("scratch");
    files.write("scratch/data.restoring/PG_VERSION", "15\n");
    files.write("scratch/tmp/ppb.x/pg_hba.conf", "");
    files.write(mark, R"({"version":1,"state":"running","made":true})");
    {
        const ScratchDirectory scratch(directory, {}, {});
        CHECK_FALSE(fs::exists(directory / "data.restoring"));
        CHECK(system::is_empty_or_absent(scratch.temporary()));
        files.write("scratch/notes", "of a person");
    }
    CHECK(system::entries(directory) == std::vector<std::string>{"notes"});
}

TEST_CASE("what was kept, or is somebody's, is not removed") {
    const Files files;
    const auto directory = files.path("scratch");
    {
        ScratchDirectory scratch(directory, {}, {});
        files.write("scratch/data.restoring/PG_VERSION", "15\n");
        scratch.keep();
    }
    const auto kept = refusal_of_scratch(directory);
    CHECK(kept.code() == ExitCode::unsafe);
    CHECK(kept.problems().front().hint == "stop its server if one runs, then rm -r " + directory.string());
    CHECK(files.read("scratch/data.restoring/PG_VERSION") == "15\n");
    files.write("other/file", "");
    CHECK(std::string(refusal_of_scratch(files.path("other")).what()).find("is not empty") != std::string::npos);
    CHECK(files.read("other/file").empty());
}

TEST_CASE("two rehearsals at once are refused, in one directory or with one history") {
    const Files files;
    fs::create_directories(files.path("history"));
    const auto directory = files.path("scratch");
    const ScratchDirectory first(directory, {}, files.path("history"));
    for (const auto& [second, history] :
         {std::pair(directory, fs::path()), std::pair(files.path("another"), files.path("history"))}) {
        system::Forked process([&scratch = second, &shared = history] {
            return static_cast<int>(refusal_of_scratch(scratch, {}, shared).code());
        });
        CHECK(process.wait() == static_cast<int>(ExitCode::lock_held));
    }
    CHECK(fs::exists(directory / "tmp"));
}
