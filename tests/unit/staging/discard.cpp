#include "staging/discard.hpp"

#include "support/catch.hpp"
#include "support/forked.hpp"
#include "support/restore.hpp"

#include <csignal>
#include <unistd.h>

using namespace patroni_pgbackrest;

TEST_CASE("when the cluster lives, what an earlier run left goes, but for the source's dynamic configuration") {
    const Restore restore;
    restore.interrupt(Phase::handed_over);
    restore.files.write("data.restoring.d/failure.json", "{}");
    restore.files.write("data.restoring.d/status.json", "{}");
    SECTION("with it") {
        restore.files.write("data.restoring.d/patroni.dynamic.json", "{}");
        discard_journal(choose_layout(restore.data()));
        CHECK(system::entries(restore.files.path("data.restoring.d")) ==
              std::vector<std::string>{"patroni.dynamic.json"});
    }
    SECTION("without it") {
        discard_journal(choose_layout(restore.data()));
        CHECK_FALSE(is_there(restore.files.path("data.restoring.d")));
    }
}

TEST_CASE("what still fetches WAL for a replay that is over is ended with the journal") {
    const Restore restore;
    restore.interrupt(Phase::handed_over);
    restore.files.write("data.restoring.d/spool/archive/demo/in/000000010000000000000002", "ahead");
    const auto layout = choose_layout(restore.data());
    const auto argument = "--spool-path=" + layout.spool().string();
    const auto script = "echo $$ >" + restore.files.path("pid").string() + "; while :; do sleep 0.1; done";
    system::Forked fetching([=] { return ::execlp("sh", "sh", "-c", script.c_str(), argument.c_str(), nullptr); });
    system::pid_in(restore.files.path("pid"));
    discard_journal(layout);
    CHECK(fetching.wait() == 128 + SIGTERM);
    CHECK_FALSE(is_there(layout.workspace));
}

TEST_CASE("a plan that failed leaves nothing in a data directory that a replica may need empty") {
    const Restore restore;
    restore.files.write("data/.snapshot", "theirs");
    fs::permissions(restore.files.path(), fs::perms::owner_read | fs::perms::owner_exec);
    const auto layout = choose_layout(restore.data());
    record_bootstrap_call(restore.request, layout);
    const bool was_there = fs::exists(layout.journal());
    discard_plan(layout);
    fs::permissions(restore.files.path(), fs::perms::owner_all);
    REQUIRE(layout.inside);
    CHECK(was_there);
    CHECK(system::entries(restore.data()) == std::vector<std::string>{".snapshot"});
}

TEST_CASE("what was moved into the data directory itself is told where a replica may need it empty") {
    const Restore restore;
    const auto layout = choose_layout(restore.data());
    CHECK_FALSE(kept_inside(layout));
    fs::create_directories(restore.data() / ".snapshot");
    CHECK_FALSE(kept_inside(layout));
    restore.files.write("data/.failed.d_2026-11-22-10-00-00/PG_VERSION", "15\n");
    restore.files.write("data/.given-up/PG_VERSION", "15\n");
    restore.files.write("data/.restoring.d/patroni.dynamic.json", "{}");
    const auto data = layout.data_directory.string();
    const auto first = data + "/.failed.d_2026-11-22-10-00-00 " + data + "/.given-up";
    const auto all = first + " " + data + "/.restoring.d";
    CHECK(kept_inside(layout) ==
          Problem{all + " of an earlier restore: pg_basebackup makes a replica in an empty directory only",
                  "if nothing in it is wanted, run rm -r " + all + "; else move it out of " + data});
    restore.files.write("data/.restoring.d/journal.json", "{}");  // of a restore that is not over, wherever it lies
    CHECK(kept_inside(layout) ==
          Problem{first + " of an earlier restore: pg_basebackup makes a replica in an empty directory only",
                  "if nothing in it is wanted, run rm -r " + first + "; else move it out of " + data});
    restore.files.write("data/PG_VERSION", "15\n");
    CHECK(kept_inside(layout) ==
          Problem{first + " of an earlier restore: each backup of the data directory takes that along",
                  "if nothing in it is wanted, run rm -r " + first + "; else move it out of " + data});
}

namespace {

/// A restore that was interrupted with two tablespaces, the second of which its WAL made.
struct Filled : Restore {
    fs::path first = files.path("ts1"), second = files.path("ts2");
    Layout layout = choose_layout(data());

    explicit Filled(Phase phase = Phase::replaying) {
        fs::create_directory(first);
        interrupt(phase, {first});
        fs::create_directories(first / "PG_15_202209061" / "5");
        fs::create_directories(second / "PG_15_202209061");
        note_made_place(layout.staging, second);
    }

    Journal journal() const { return Journal::read(layout.journal()).value(); }
};

}  // namespace

TEST_CASE(
    "an unfinished restore whose cluster lives elsewhere tells what it left in tablespaces, and removes none of it") {
    const Filled restore;
    const auto left = filled_places(restore.layout, restore.journal());
    REQUIRE(left.size() == 2);
    CHECK(left[0].message == restore.first.string() + " holds what an abandoned restore put there, and pg_basebackup "
                                                      "makes a replica in empty directories only");
    CHECK(left[0].hint == "if nothing else uses it, run rm -r " + (restore.first / "PG_15_202209061").string());
    discard_unfinished_restore(restore.layout);
    CHECK_FALSE(is_there(restore.layout.staging));
    CHECK(is_there(restore.first / "PG_15_202209061"));
    CHECK(is_there(restore.second / "PG_15_202209061"));
}

TEST_CASE("nothing is told of a tablespace that is another's by now") {
    SECTION("the data in place has it as its tablespace") {
        const Filled restore;
        fs::create_directories(restore.data() / "pg_tblspc");
        fs::create_directory_symlink(restore.first, restore.data() / "pg_tblspc" / "16385");
        const auto left = filled_places(restore.layout, restore.journal());
        CHECK(left.size() == 1);
        CHECK(left.front().message.starts_with(restore.second.string()));
    }
    SECTION("also by another name") {
        const Filled restore;
        fs::create_directories(restore.data() / "pg_tblspc");
        fs::create_directory_symlink(restore.first, restore.files.path("link"));
        fs::create_directory_symlink(restore.files.path("link"), restore.data() / "pg_tblspc" / "16385");
        CHECK(filled_places(restore.layout, restore.journal()).size() == 1);
    }
    SECTION("it was replaced since") {
        const Filled restore;
        fs::rename(restore.first, restore.files.path("old"));
        fs::create_directories(restore.first / "PG_15_202209061");
        const auto left = filled_places(restore.layout, restore.journal());
        CHECK(left.size() == 1);
        CHECK(left.front().message.starts_with(restore.second.string()));
    }
    SECTION("the restore was handed over once") {
        const Filled restore(Phase::handed_over);
        CHECK(filled_places(restore.layout, restore.journal()).empty());
    }
}

TEST_CASE("of a place that holds more than the restore's tablespace only that is named") {
    const Filled restore;
    const auto hint = [&] { return filled_places(restore.layout, restore.journal()).back().hint; };
    const auto own = (restore.second / "PG_15_202209061").string();
    fs::create_directories(restore.second / "PG_14_202107181" / "5");
    fs::create_directory(restore.second / "exports");
    CHECK(hint() ==
          "if nothing else uses it, run rm -r " + own + "; what else is there is not the restore's: move it elsewhere");
    fs::remove_all(own);
    const auto left = filled_places(restore.layout, restore.journal());
    REQUIRE(left.size() == 1);
    CHECK(left.front().message.starts_with(restore.first.string()));
}

TEST_CASE("a place that another link leads to is named as a whole") {
    const Filled restore;
    fs::remove_all(restore.first / "PG_15_202209061");
    fs::create_directory(restore.first / "archive_status");
    fs::create_directory_symlink(restore.first, restore.layout.staging / "pg_wal");
    const auto left = filled_places(restore.layout, restore.journal());
    REQUIRE(left.size() == 2);
    CHECK(left.front().hint == "if nothing else uses it, run find " + restore.first.string() + " -mindepth 1 -delete");
}
