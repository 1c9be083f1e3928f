#include "staging/layout.hpp"

#include "staging/hand_over.hpp"
#include "support/catch.hpp"
#include "support/restore.hpp"

#include <fmt/format.h>
#include <unistd.h>

using namespace patroni_pgbackrest;

TEST_CASE("staging lies beside the data directory") {
    const Restore restore;
    const auto layout = choose_layout(restore.data());
    CHECK(layout.data_directory == restore.data());
    CHECK(layout.staging == restore.files.path("data.restoring"));
    CHECK(layout.workspace == restore.files.path("data.restoring.d"));
    CHECK(layout.journal() == restore.files.path("data.restoring.d/journal.json"));
    CHECK_FALSE(layout.inside);
    fs::create_directory(restore.data());
    CHECK(choose_layout(restore.data()).staging == layout.staging);
    CHECK_FALSE(is_there(layout.workspace));
}

TEST_CASE("data directories beside it that have a journal are known, at their side or inside") {
    const Restore restore;
    restore.interrupt(Phase::copying);
    restore.files.write("mounted/.restoring.d/journal.json", "{}");
    restore.files.write("other/PG_VERSION", "15\n");
    CHECK(restored_neighbours(restore.files.path("new")) ==
          std::vector<fs::path>{restore.data(), restore.files.path("mounted")});
    CHECK(restored_neighbours(restore.data()) == std::vector<fs::path>{restore.files.path("mounted")});
}

TEST_CASE("a directory that cannot be looked through is not taken for an empty one") {
    const Restore restore;
    const auto loop = restore.files.path("loop");
    fs::create_symlink(loop, loop);
    CHECK(problems_of(ExitCode::system_refused, [&] { local_entries(loop); }).front().message ==
          "cannot look through " + loop.string() + ": Too many levels of symbolic links");
    CHECK(local_entries(restore.files.path("absent")).empty());
    CHECK(local_entries(restore.files.write("file", "")).empty());
}

TEST_CASE("a slash at the end makes no other directory, whether it is there or not") {
    const Restore restore;
    const auto layout = choose_layout(restore.data());
    const auto journals = journals_of(restore.data());
    for (const bool is_there : {false, true}) {
        if (is_there) {
            fs::create_directory(restore.data());
        }
        for (const char* slashes : {"/", "//"}) {
            const auto other = choose_layout(restore.data().string() + slashes);
            CHECK(other.data_directory == layout.data_directory);
            CHECK(other.staging == layout.staging);
            CHECK(other.workspace == layout.workspace);
            CHECK(journals_of(restore.data().string() + slashes) == journals);
        }
    }
}

TEST_CASE("symbolic links to the data directory are resolved") {
    const Restore restore;
    fs::create_directories(restore.files.path("disk/pg"));
    fs::create_directory_symlink(restore.files.path("disk/pg"), restore.data());
    CHECK(choose_layout(restore.data()).staging == restore.files.path("disk/pg.restoring"));
}

TEST_CASE("a mount point gets its staging inside, where nothing needs to cross file systems") {
    const auto layout = choose_layout("/proc");
    CHECK(layout.inside);
    CHECK(layout.staging == "/proc/.restoring");
    CHECK(layout.workspace == "/proc/.restoring.d");
    CHECK(layout.history() == "/proc.restores.json");
}

TEST_CASE("where the parent directory is not writable staging lies inside") {
    if (::geteuid() == 0) {
        return;  // root may write anywhere
    }
    const Restore restore;
    fs::create_directories(restore.files.path("parent/data"));
    fs::permissions(restore.files.path("parent"), fs::perms::owner_read | fs::perms::owner_exec);
    const auto layout = choose_layout(restore.files.path("parent/data"));
    fs::permissions(restore.files.path("parent"), fs::perms::owner_all);
    CHECK(layout.inside);
}

TEST_CASE("a data directory that is a file, or a loop of links, is refused") {
    const Restore restore;
    restore.files.write("data", "x");
    CHECK(problems_of(ExitCode::unsafe, [&] { choose_layout(restore.data()); }) ==
          Problems{{restore.data().string() + " is not a directory", "move it away"}});
    fs::create_symlink(restore.files.path("loop"), restore.files.path("loop"));
    CHECK(problems_of(ExitCode::preflight_refused, [&] { choose_layout(restore.files.path("loop")); }).size() == 1);
}

TEST_CASE("a symbolic link whose directory is lost is resolved as well") {
    const Restore restore;
    fs::create_directories(restore.files.path("disk"));
    fs::create_directory_symlink(restore.files.path("disk/pg"), restore.data());
    CHECK(choose_layout(restore.data()).staging == restore.files.path("disk/pg.restoring"));
    CHECK(journals_of(restore.data()).front() == choose_layout(restore.data()).journal());
    StagingDirectory staging(restore.request);
    restore.copy(staging);
    CHECK(problems_of(ExitCode::done, [&] { hand_over(staging); }) == Problems{});
}

TEST_CASE("a source that was itself restored into a mount point has a journal in its backup, which goes") {
    const Restore restore;
    StagingDirectory staging(restore.request);
    restore.copy(staging);
    restore.files.write("data.restoring/.restoring.d/journal.json", "{}");
    remove_inherited_workspace(staging.path());
    CHECK_FALSE(is_there(staging.path() / ".restoring.d"));
    CHECK(is_there(staging.path() / "PG_VERSION"));
}

TEST_CASE("what another user left is named with its owner, and how to give it to this one") {
    if (::geteuid() == 0) {
        return;  // root may use anything
    }
    const Restore restore;
    const auto layout = choose_layout(restore.data());
    CHECK_NOTHROW(refuse_others_staging(layout));
    // Nobody but root can make a directory of another user; one is there already.
    fs::create_directory_symlink("/etc", layout.staging);
    CHECK_NOTHROW(refuse_others_staging(layout));
    fs::remove(layout.staging);
    const Layout roots{"/", "/etc", "/root", false};
    const auto problems = problems_of(ExitCode::preflight_refused, [&] { refuse_others_staging(roots); });
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().message.starts_with("/etc belongs to user root (0), and this is user "));
    CHECK(problems.front().hint.find(fmt::format("chown -R {}:{} /etc /root;", ::geteuid(), ::getegid())) !=
          std::string::npos);
}
