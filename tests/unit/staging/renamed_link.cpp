#include "staging/renamed_link.hpp"

#include "staging/hand_over.hpp"
#include "staging/set_aside.hpp"
#include "staging/staging.hpp"
#include "support/catch.hpp"
#include "support/restore.hpp"

using namespace patroni_pgbackrest;

namespace {

/// One that was handed over behind a symbolic link, which Patroni renames.
struct BehindALink : Restore {
    fs::path link = files.path("data.failed"), end;

    BehindALink() {
        fs::create_directories(files.path("disk/pg"));
        end = fs::canonical(files.path("disk/pg"));
        fs::create_directory_symlink(end, data());
        StagingDirectory staging(request);
        copy(staging);
        hand_over(staging);
    }
};

}  // namespace

TEST_CASE("a link that Patroni renamed is found, and its hint puts the directory in its place") {
    const BehindALink restore;
    CHECK_FALSE(find_renamed_link(restore.data()));
    fs::rename(restore.data(), restore.link);
    const auto moved = find_renamed_link(restore.data());
    REQUIRE(moved);
    CHECK(moved->data_directory == restore.data());
    CHECK(moved->link == restore.link);
    CHECK(moved->end == restore.end);
    CHECK_FALSE(moved->inside);
    CHECK(find_renamed_link(restore.data().string() + "/"));

    const auto failure = refusal_of(*moved);
    const auto end = restore.end.string();
    CHECK(failure.code() == ExitCode::unsafe);
    CHECK(failure.problems().front().message ==
          restore.link.string() + " is now the symbolic link that " + restore.data().string() +
              " was: Patroni gave up what was handed over, and renamed the link and not the directory behind it, " +
              end + "; what is known of that restore would not be found");
    CHECK(failure.problems().front().hint ==
          "as the user that runs Patroni, put the link back, and give what it leads to the name that Patroni meant for "
          "it: mv -T " +
              restore.link.string() + " " + restore.data().string() + " && mv -T " + end + " " + end +
              ".failed && mkdir -m 700 " + end + "; then start Patroni again");

    SECTION("which is what it says") {
        fs::rename(restore.link, restore.data());
        const fs::path failed = end + ".failed";
        fs::rename(restore.end, failed);
        fs::create_directory(restore.end);
        CHECK_FALSE(find_renamed_link(restore.data()));
        CHECK(set_aside_by_patroni(restore.request, choose_layout(restore.data())) == failed);
    }
    SECTION("with another name of Patroni's where that one is taken") {
        fs::create_directory(end + ".failed");
        CHECK(refusal_of(*moved).problems().front().hint.find(" && mv -T " + end + " " + end + "_$(date ") !=
              std::string::npos);
    }
    SECTION("also where an empty directory was made in the link's place") {
        fs::create_directory(restore.data());
        CHECK(refusal_of(*moved).problems().front().hint.find("for it: rmdir " + restore.data().string() +
                                                              " && mv -T ") != std::string::npos);
    }
    SECTION("unless the cluster goes on: then it is where the replica comes to lie that is told") {
        const auto problem = warning_of(*moved, "demo");
        CHECK(problem.message == restore.link.string() + " is now the symbolic link that " + restore.data().string() +
                                     " was, and scope demo went on without what lies behind it, " + end +
                                     ": Patroni makes a replica in a new directory in the link's place");
        CHECK(problem.hint.ends_with("empty it with find " + end +
                                     " -mindepth 1 -maxdepth 1 ! -name '.given-up*' ! -name '.failed.d*' ! -name "
                                     "lost+found -exec rm -r {} +, put the link back with mv -T " +
                                     restore.link.string() + " " + restore.data().string() +
                                     ", and start Patroni again"));
    }
    SECTION("and where its disk has not the room for a replica that is refused") {
        CHECK_FALSE(refusal_for_room(*moved, "demo", 3'400'000'000, 3'400'000'000));
        const auto no_room = refusal_for_room(*moved, "demo", 3'400'000'000, 12'000'000);
        REQUIRE(no_room);
        CHECK(no_room->code() == ExitCode::unsafe);
        CHECK(no_room->problems().front().message ==
              restore.link.string() + " is now the symbolic link that " + restore.data().string() +
                  " was, and scope demo went on without what lies behind it, " + end +
                  ": Patroni would make a replica in the link's place, whose disk has room for 12 MB, and 3.4 GB lies "
                  "there");
        CHECK(no_room->problems().front().hint ==
              "if nothing in " + end + " is wanted any more, empty it with find " + end +
                  " -mindepth 1 -maxdepth 1 ! -name '.given-up*' ! -name '.failed.d*' ! -name lost+found -exec rm -r "
                  "{} +, put the link back with mv -T " +
                  restore.link.string() + " " + restore.data().string() +
                  ", and start Patroni again; or make room on the disk of " + restore.data().parent_path().string());
    }
    SECTION("and with room what is known of the restore is removed") {
        leave_renamed_link(*moved, "demo");
        CHECK_FALSE(is_there(moved->layout().journal()));
        CHECK(is_there(restore.end / "PG_VERSION"));
        CHECK_FALSE(find_renamed_link(restore.data()));
    }
    SECTION("its workspace is where it was, wherever another one would be made by now") {
        CHECK(moved->layout().journal() == choose_layout(restore.end).journal());
        const RenamedLink inside{moved->data_directory, moved->link, moved->end, true};
        CHECK(inside.layout().journal() == restore.end / ".restoring.d" / "journal.json");
    }
    SECTION("and which timelines were rejected is written down first") {
        const auto layout = choose_layout(restore.end);
        auto journal = Journal::read(layout.journal());
        journal->goal = RestoreGoal{restore.request.target, restore.plan.timeline(), restore.plan.wal.last(),
                                    restore.plan.segment_size, false};
        journal->save(layout.journal());
        restore.files.write("disk/pg/pg_wal/00000002.history", "1\t0/7000158\tno recovery target specified\n");
        restore.files.write("disk/pg/pg_wal/archive_status/00000002.history.done", "");
        restore.files.write("disk/pg/pg_wal/" + segment(2, 9), "abc");
        restore.files.write("disk/pg/pg_wal/archive_status/" + segment(2, 9) + ".done", "");
        CHECK_THROWS_AS(refuse_renamed_link(restore.data(), {}), Failure);
        CHECK(Journal::read(layout.journal())->rejected_timelines ==
              pgbackrest::RejectedTimelines{{{2}, "a9993e364706816aba3e25717850c26c9cd0d89d"}});
    }
    SECTION("not under a name that a person gave it") {
        fs::rename(restore.link, restore.files.path("data.old"));
        CHECK_FALSE(find_renamed_link(restore.data()));
        CHECK_NOTHROW(refuse_renamed_link(restore.data(), {}));
    }
    SECTION("not where somebody's data is by now") {
        restore.files.write("data/PG_VERSION", "15\n");
        CHECK_FALSE(find_renamed_link(restore.data()));
    }
    SECTION("not one that leads nowhere, or to another directory") {
        fs::rename(restore.end, restore.files.path("disk/gone"));
        CHECK_FALSE(find_renamed_link(restore.data()));
        fs::create_directory(restore.end);
        CHECK_FALSE(find_renamed_link(restore.data()));
    }
    SECTION("not once the restore is over") {
        fs::remove(choose_layout(restore.end).journal());
        CHECK_FALSE(find_renamed_link(restore.data()));
    }
}

TEST_CASE("what cannot be renamed is emptied, and the link is put back") {
    const Files files;
    const auto end = files.path("pg").string();
    const RenamedLink moved{files.path("main"), files.path("main.failed"), end, true};
    CHECK(
        refusal_of(moved).problems().front().hint ==
        "as the user that runs Patroni, put the link back, and what lies behind it out of the way: mv -T " +
            files.path("main.failed").string() + " " + files.path("main").string() + " && aside=" + end +
            "/.failed.d && mkdir \"$aside\" && find " + end +
            " -mindepth 1 -maxdepth 1 ! -name '.*' ! -name lost+found -exec mv -t \"$aside\" {} +; then start Patroni "
            "again");
    files.write("pg/.failed.d/PG_VERSION", "15\n");
    CHECK(refusal_of(moved).problems().front().hint.find(end + "/.failed.d_$(date +%Y-") != std::string::npos);
}
