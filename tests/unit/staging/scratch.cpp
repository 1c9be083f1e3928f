#include "staging/scratch.hpp"

#include "support/catch.hpp"
#include "support/forked.hpp"
#include "support/restore.hpp"
#include "system/file.hpp"
#include "system/owner.hpp"

#include <unistd.h>

using namespace patroni_pgbackrest;

namespace {

const std::string own = "scratch/ppb.rehearsal";
const std::string mark = own + "/mark.json";

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
    const auto state = [&] { return look_at_scratch(scratch).state; };
    CHECK(state() == ScratchState::usable);
    fs::create_directories(scratch / "lost+found");
    CHECK(state() == ScratchState::usable);
    files.write(own + "/mark.json.new", "");
    CHECK(state() == ScratchState::usable);
    files.write(mark, R"({"version":1,"state":"running","made":true})");
    CHECK(state() == ScratchState::interrupted);
    files.write(mark, R"({"version":1,"state":7})");
    CHECK(state() == ScratchState::interrupted);
    files.write(mark, R"({"state":"running"})");
    CHECK(state() == ScratchState::interrupted);
    files.write(mark, "{");
    CHECK(state() == ScratchState::foreign);
    files.write(mark, R"({"version":1,"state":"kept","made":true})");
    files.write(own + "/postgresql.conf", "");
    CHECK(state() == ScratchState::kept);
    files.write("file", "");
    CHECK(look_at_scratch(files.path("file")).state == ScratchState::foreign);
}

TEST_CASE("what is somebody's in a scratch directory is named, and stays beside what an interrupted rehearsal left") {
    const Files files;
    const auto scratch = files.path("scratch");
    files.write(mark, R"({"version":1,"state":"running","made":true})");
    files.write(own + "/data.restoring/PG_VERSION", "15\n");
    fs::permissions(scratch, fs::perms::owner_all);
    for (const char* name : {"postgresql.conf", "tmp/file", "tablespaces/ts1/file", "ppb.rehearsal/data/file"}) {
        CAPTURE(name);
        const auto file = files.write("scratch/" + std::string(name), "somebody's");
        CHECK(look_at_scratch(scratch).state == ScratchState::foreign);
        const auto refused = refusal_of_scratch(scratch);
        CHECK(refused.code() == ExitCode::unsafe);
        const fs::path path(name);
        const auto stranger = path.parent_path().filename() == "data" ? path.parent_path() : *path.begin();
        CHECK(std::string(refused.what()).find("is not empty: " + stranger.string() + " is in it") !=
              std::string::npos);
        CHECK(files.read("scratch/" + std::string(name)) == "somebody's");
        fs::remove_all(scratch / stranger);
    }
    CHECK(refusal_of_scratch(scratch).code() == ExitCode::done);
    CHECK_FALSE(fs::exists(scratch));
}

TEST_CASE("what a newer program has rehearsed is refused, and nothing of it is removed") {
    const Files files;
    const auto scratch = files.path("scratch");
    files.write(mark, R"({"version":2,"state":"running","made":true})");
    files.write(own + "/data.restoring/PG_VERSION", "15\n");
    fs::permissions(scratch, fs::perms::owner_all);
    CHECK(look_at_scratch(scratch).state == ScratchState::newer);
    const auto refused = refusal_of_scratch(scratch);
    CHECK(refused.code() == ExitCode::unsafe);
    CHECK(refused.problems() ==
          Problems{{scratch.string() + " holds what a newer patroni_pgbackrest has rehearsed",
                    "rehearse with that one; or, when no rehearsal and no server runs there, rm -r " +
                        (scratch / "ppb.rehearsal").string()}});
    CHECK(files.read(own + "/data.restoring/PG_VERSION") == "15\n");
}

TEST_CASE("a link in the place of the mark, or of the directory around it, is not followed") {
    const Files files;
    const std::string journal = R"({"version":1,"state":"running","made":true})";
    files.write("journal.json", journal);
    fs::create_directories(files.path(own));
    fs::permissions(files.path("scratch"), fs::perms::owner_all);
    fs::create_symlink(files.path("journal.json"), files.path(mark));
    CHECK(look_at_scratch(files.path("scratch")).stranger == "ppb.rehearsal/mark.json");
    fs::remove_all(files.path(own));
    files.write("elsewhere/mark.json", journal);
    fs::create_directory_symlink(files.path("elsewhere"), files.path(own));
    CHECK(look_at_scratch(files.path("scratch")).stranger == "ppb.rehearsal");
    fs::remove(files.path(own));
    fs::create_directories(files.path(own));
    fs::create_symlink(files.path("journal.json"), files.path(mark + ".new"));
    CHECK(refusal_of_scratch(files.path("scratch")).code() == ExitCode::done);
    CHECK(files.read("journal.json") == journal);
}

TEST_CASE("a directory that others may write to is no scratch directory") {
    const Files files;
    const auto scratch = files.path("scratch");
    CHECK_FALSE(why_not_private(scratch));
    fs::create_directories(scratch);
    for (const auto mode : {fs::perms::group_write, fs::perms::others_write}) {
        fs::permissions(scratch, fs::perms::owner_all | mode);
        const auto refused = refusal_of_scratch(scratch);
        CHECK(refused.code() == ExitCode::unsafe);
        CHECK(std::string(refused.what()).starts_with("others may write to scratch directory "));
        CHECK(system::is_empty_or_absent(scratch));
    }
    fs::permissions(scratch, fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec);
    CHECK_FALSE(why_not_private(scratch));
    CHECK(refusal_of_scratch(scratch).code() == ExitCode::done);
}

TEST_CASE("what to do about a directory that others may write to depends on whose it is") {
    const Files files;
    const auto ours = files.path("it's");
    fs::create_directories(ours);
    fs::permissions(ours, fs::perms::owner_all | fs::perms::group_write);
    REQUIRE(why_not_private(ours));
    CHECK(why_not_private(ours)->hint ==
          "chmod go-w '" + files.path("it").string() + "'\\''s', or name one that is not there");
    // Root's, which this user could not write to without the others.
    const auto of_root = why_not_private("/tmp");
    REQUIRE(of_root);
    const std::string first = ::geteuid() == 0 ? "" : "as root, chown " + system::own_user().user + " /tmp && ";
    CHECK(of_root->hint == first + "chmod go-w /tmp, or name one that is not there");
}

TEST_CASE("no directory of a stopped cluster is a scratch directory") {
    const Files files;
    files.write("pg/PG_VERSION", "15\n");
    files.write("ts1/PG_15_202209061/5/16391", "");
    fs::create_directories(files.path("wal/archive_status"));
    for (const char* name : {"pg/pg_replslot", "pg", "ts1/scratch", "wal/archive_status"}) {
        CAPTURE(name);
        const auto refused = refusal_of_scratch(files.path(name));
        CHECK(refused.code() == ExitCode::unsafe);
        CHECK(std::string(refused.what()).find(" is a PostgreSQL server's, and the scratch directory is ") !=
              std::string::npos);
    }
    CHECK_FALSE(fs::exists(files.path("pg/pg_replslot")));
    CHECK_FALSE(fs::exists(files.path("ts1/scratch")));
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
        CHECK(look_at_scratch(directory).state == ScratchState::interrupted);
        files.write(own + "/data.restoring/PG_VERSION", "15\n");
        files.write(own + "/data.restoring.d/journal.json", "{}");
        files.write(own + "/tablespaces/ts1/PG_15_202209061/5/16391", "");
        CHECK(fs::is_directory(scratch.temporary()));
    }
    CHECK_FALSE(fs::exists(directory));
    fs::create_directories(directory / "lost+found");
    fs::permissions(directory, fs::perms::owner_all);
    { const ScratchDirectory scratch(directory, {}, {}); }
    CHECK(system::entries(directory) == std::vector<std::string>{"lost+found"});
}

TEST_CASE("what an interrupted rehearsal left is removed by the next, and nothing else") {
    const Files files;
    const auto directory = files.path("scratch");
    files.write(own + "/data.restoring/PG_VERSION", "15\n");
    files.write(own + "/tmp/ppb.x/pg_hba.conf", "");
    files.write(mark, R"({"version":1,"state":"running","made":true})");
    fs::permissions(directory, fs::perms::owner_all);
    {
        const ScratchDirectory scratch(directory, {}, {});
        CHECK_FALSE(fs::exists(scratch.own() / "data.restoring"));
        CHECK(system::is_empty_or_absent(scratch.temporary()));
        files.write("scratch/notes", "of a person");
    }
    CHECK(system::entries(directory) == std::vector<std::string>{"notes"});
}

TEST_CASE("tablespaces of an interrupted rehearsal that cannot be looked through are not removed") {
    const Files files;
    const auto directory = files.path("scratch");
    files.write(mark, R"({"version":1,"state":"running","made":true})");
    files.write(own + "/data.restoring/PG_VERSION", "15\n");
    fs::create_symlink("tablespaces", files.path(own + "/tablespaces"));
    fs::permissions(directory, fs::perms::owner_all);
    CHECK(refusal_of_scratch(directory).code() == ExitCode::system_refused);
    CHECK(fs::exists(files.path(own + "/data.restoring/PG_VERSION")));
}

TEST_CASE("what was kept, or is somebody's, is not removed") {
    const Files files;
    const auto directory = files.path("scratch");
    {
        ScratchDirectory scratch(directory, {}, {});
        files.write(own + "/data.restoring/PG_VERSION", "15\n");
        scratch.keep();
    }
    const auto kept = refusal_of_scratch(directory);
    CHECK(kept.code() == ExitCode::unsafe);
    CHECK(kept.problems().front().hint == "stop its server if one runs, then rm -r " + files.path(own).string());
    CHECK(files.read(own + "/data.restoring/PG_VERSION") == "15\n");
    files.write("other/file", "");
    fs::permissions(files.path("other"), fs::perms::owner_all);
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
    CHECK(fs::exists(first.temporary()));
}
