#include "staging/rejected_directory.hpp"

#include "support/catch.hpp"
#include "support/restore.hpp"

using namespace patroni_pgbackrest;

TEST_CASE("a timeline whose marks cannot be looked at is not taken for one that was never begun") {
    const Files files;
    files.write("pg_wal/00000002.history", "1\t0/7000158\tno recovery target specified\n");
    const auto begun = [&] { return begun_histories(files.path("pg_wal"), {1}).histories.size(); };
    CHECK(begun() == 0);
    const auto marks = files.path("pg_wal/archive_status");
    fs::create_symlink(marks, marks);
    CHECK(problems_of(ExitCode::system_refused, [&] { begun(); }).front().message ==
          "cannot look at " + (marks / "00000002.history.done").string() + ": Too many levels of symbolic links");
    fs::remove(marks);
    files.write("pg_wal/archive_status/00000002.history.done", "");
    CHECK(begun() == 1);
}
