#include "support/catch.hpp"

#include "checks/checks.hpp"
#include "checks/review_machine.hpp"

using namespace patroni_pgbackrest;

TEST_CASE("root is told to become the user that runs Patroni, and nobody else is told anything") {
    const auto root = review_user(0, "bootstrap");
    REQUIRE(root);
    CHECK(root->id == "runs-as-root");
    CHECK(is_error(*root));
    CHECK(root->problem.message ==
          "bootstrap runs as root: PostgreSQL does not start as root, pgBackRest from 2.59 on only restores, and "
          "Patroni's user cannot replace what root has written");
    CHECK(root->problem.hint ==
          "run it as the user that runs Patroni, for example: sudo -u postgres patroni_pgbackrest bootstrap");
    CHECK_FALSE(review_user(26, "bootstrap"));
}

TEST_CASE("a data directory that Patroni cannot set aside under its name is told, and named itself it is not") {
    const auto link = judge_name("/var/lib/postgresql/15/main", "/data/pg15").value();
    CHECK(link.id == "data-directory-name");
    CHECK_FALSE(is_error(link));
    CHECK(link.problem.message ==
          "data directory /var/lib/postgresql/15/main is a symbolic link: what Patroni gives up "
          "it sets aside by renaming the link, and not /data/pg15");
    CHECK(link.problem.hint == "set postgresql.data_dir, and pg1-path of the stanza, to /data/pg15; or let a directory "
                               "above it be the link");
    CHECK_FALSE(judge_name("/data/pg15", ""));

    const auto slash = judge_name("/data/pg15/", "").value();
    CHECK(slash.id == "data-directory-name");
    CHECK(slash.problem.message == "data directory /data/pg15/ ends with a slash: Patroni before 3.3.7, and 4.0 before "
                                   "4.0.6, cannot set it aside when it gives it up");
    CHECK(slash.problem.hint == "take the slash at its end away");
}

TEST_CASE("a disk needs room for what goes there") {
    DiskRoom room{.directories = {"/pg"}, .bytes = 5'000'000'000, .needed = 3'000'000'000, .for_wal = 2'000'000'000};
    CHECK_FALSE(judge_room("F", room));

    room.for_wal += 1;
    const auto tight = judge_room("F", room).value();
    CHECK(tight.id == "disk-tight");
    CHECK_FALSE(is_error(tight));
    CHECK(tight.problem.message == "backup set F has 3.0 GB, and /pg has room for 5.0 GB, WAL not counted");

    room.bytes = room.needed - 1;
    const auto full = judge_room("F", room).value();
    CHECK(full.id == "disk-full");
    CHECK(is_error(full));
    CHECK(full.problem.hint == "make room, or put tablespaces elsewhere with tablespace-map");

    room.may_take_less = true;
    CHECK(judge_room("F", room)->id == "disk-tight");
}

TEST_CASE("the disk without room is named, and disks that are judged together are all named") {
    DiskRoom room{.directories = {"/pg/ts1"}, .bytes = 48'000'000, .needed = 120'000'000, .is_one_of_several = true};
    const auto one = judge_room("F", room).value();
    CHECK(one.id == "disk-full");
    CHECK(one.problem.message == "backup set F has 120 MB for the disk of /pg/ts1, and it has room for 48 MB");
    CHECK(one.problem.hint == "make room there, or give what goes there another place with tablespace-map or link-map");

    room.directories.emplace_back("/pg/ts2");
    room.is_one_of_several = false;
    CHECK(judge_room("F", room)->problem.message == "backup set F has 120 MB, and /pg/ts1, /pg/ts2 has room for 48 MB");
}
